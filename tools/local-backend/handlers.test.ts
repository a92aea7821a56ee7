// @vitest-environment node
import type { JSONValue } from "convex/values";
import { describe, expect, test } from "vitest";
import { lateRejections } from "../../src/testing/lateRejections.js";
import { bundle, startBackend } from "./testing/backend.js";

const APP = "tools/local-backend/testing/handlersApp";
const PUBLISHED_APP = "tools/local-backend/testing/publishedApp";

const HOUR = 3_600_000;

type Started = Awaited<ReturnType<typeof started>>;

/** A run of one of the flows, begun on an app's bundle. */
async function started(app: string, name: string, args: object) {
  const backend = await startBackend(app);
  const id = (await backend.run("flows:start", {
    name,
    args,
  } as never)) as string;
  await backend.clock.advance(60_000);
  return { ...backend, id };
}

async function ended({ run, clock, column, id }: Started) {
  await clock.advance(2 * HOUR);
  const status = await run("flows:status", { id });
  return { status, effects: await column("effects", "value") };
}

describe("a handler that makes host calls of its own", () => {
  test.each([0, 1, 2, 5, 40])(
    "before its first step: %i of them",
    async (count) => {
      const run = await started(APP, "afterHostCalls", { count });
      expect(await ended(run)).toEqual({
        status: { type: "completed", result: "undefined" },
        effects: ["undefined", "undefined"],
      });
    },
  );

  test.each([1, 2, 5])("between its steps: %i of them", async (count) => {
    const run = await started(APP, "betweenSteps", { count });
    expect(await ended(run)).toEqual({
      status: { type: "completed", result: "undefined" },
      effects: [0],
    });
  });

  test("in a branch beside a sleep goes on while that lasts", async () => {
    const run = await started(APP, "besideSleep", { count: 3 });
    expect(await run.column("effects", "value")).toEqual(["undefined"]);
    expect((await ended(run)).status).toMatchObject({ type: "completed" });
  });

  test("by enqueueing a job with a callback in a pool of the app's", async () => {
    const { status, effects } = await ended(
      await started(APP, "enqueuesJob", {}),
    );
    expect(status).toMatchObject({ type: "completed" });
    expect(effects).toContainEqual("undefined");
    expect(effects).toContainEqual(["job", 1]);
  });

  test("by starting a run with a callback", async () => {
    const { status, effects } = await ended(
      await started(APP, "startsRun", {}),
    );
    expect(status).toMatchObject({ type: "completed" });
    expect(effects).toContainEqual(["run", "child"]);
  });

  test.each([0, 1, 2, 5])(
    "continues when 0.4 began its run, with %i of them around each step",
    async (count) => {
      const run = await started(PUBLISHED_APP, "afterSleep", { count });
      await run.deployment.deploy(await bundle(APP));
      expect(await ended(run)).toEqual({
        status: { type: "completed", result: "undefined" },
        effects: ["undefined", "undefined"],
      });
    },
  );
});

test.each(Object.entries(lateRejections({} as never)))(
  "a rejection that comes before its handler: %s",
  async (name, { ends }) => {
    const run = await started(APP, "lateRejection", { name });
    const { status } = await ended(run);
    if ("returns" in ends)
      expect(status).toEqual({ type: "completed", result: ends.returns });
    else
      expect(status).toMatchObject({
        type: "failed",
        error: expect.stringMatching(ends.fails) as string,
      });
  },
);

test("a handler that uses a timer fails at once, whatever else is in flight, with an error that says so", async () => {
  const { run, id } = await started(APP, "timerBesideSleep", {});
  expect(await run("flows:status", { id })).toMatchObject({
    type: "failed",
    error: expect.stringMatching(
      /^Can't use setTimeout[^]*use step\.sleep/,
    ) as string,
  });
});

test("a handler disposes of what it holds, by steps", async () => {
  const run = await started(APP, "disposes", {});
  expect(await ended(run)).toEqual({
    status: { type: "completed", result: "Date" },
    effects: ["lock outer", "lock inner", "unlock inner", "unlock outer"],
  });
});

test("runs are listed by status, counted and acted on through the indexes of the backend", async () => {
  const { run, clock } = await startBackend(APP);
  const start = async (name: string) =>
    (await run("flows:start", { name, args: { count: 1 } })) as string;
  const waiting = [await start("besideSleep"), await start("besideSleep")];
  const done = [await start("betweenSteps"), await start("betweenSteps")];
  await clock.advance(60_000);
  const call = async (name: string, args: Record<string, JSONValue>) =>
    (await run(name, args, { componentPath: "workflow" })) as never;
  const listed = async (filter: Record<string, JSONValue>) => {
    const ids: string[] = [];
    for (let cursor: string | null = null; ;) {
      const result: Listed = await call("workflow:list", {
        ...filter,
        paginationOpts: { numItems: 1, cursor },
      });
      ids.push(...result.page.map(({ workflowId }) => workflowId));
      if (result.isDone) return ids;
      cursor = result.continueCursor;
    }
  };
  const name = "flows:besideSleep";
  expect(await listed({ status: "inProgress" })).toEqual(waiting);
  expect(await listed({ status: "inProgress", name, order: "desc" })).toEqual(
    [...waiting].reverse(),
  );
  expect(await listed({ status: "completed", since: 1 })).toEqual(done);
  expect(await listed({ status: "completed", name })).toEqual([]);
  const none = { failed: 0, canceled: 0 };
  const counts = async () => {
    const counted = Object.entries<{ count: number }>(
      await call("workflow:counts", {}),
    );
    return Object.fromEntries(
      counted.map(([kind, { count }]) => [kind, count]),
    );
  };
  expect(await counts()).toEqual({ ...none, inProgress: 2, completed: 2 });
  const steps: { page: object[] } = await call("workflow:listSteps", {
    workflowId: waiting[0]!,
    paginationOpts: { numItems: 10, cursor: null },
  });
  expect(steps.page).toContainEqual(
    expect.objectContaining({ kind: "sleep", state: "waiting" }),
  );
  expect(
    await call("event:list", {
      workflowId: waiting[0]!,
      paginationOpts: { numItems: 10, cursor: null },
    }),
  ).toMatchObject({ page: [] });
  const all = { done: 2, cursor: null };
  expect(await call("workflow:cleanupMany", {})).toEqual(all);
  expect(await call("workflow:cancelMany", {})).toEqual(all);
  expect(await counts()).toEqual({
    ...none,
    inProgress: 0,
    completed: 0,
    canceled: 2,
  });
});

type Listed = {
  page: { workflowId: string }[];
  isDone: boolean;
  continueCursor: string;
};
