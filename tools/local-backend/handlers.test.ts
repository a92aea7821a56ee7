// @vitest-environment node
import { describe, expect, test } from "vitest";
import { lateRejections } from "../../src/testing/lateRejections.js";
import { HOUR, MINUTE } from "../../src/testing/units.js";
import { bundle, startBackend } from "./testing/backend.js";

const APP = "tools/local-backend/testing/handlersApp";
const PUBLISHED_APP = "tools/local-backend/testing/publishedApp";

type Flow = [name: string, args?: object];

/** Starts flows on an app's bundle, and returns their runs a minute later. */
async function started(app: string, ...flows: Flow[]) {
  const { run, ...backend } = await startBackend(app);
  const ids: string[] = [];
  for (const [name, args = {}] of flows)
    ids.push((await run("flows:start", { name, args } as never)) as string);
  await backend.clock.advance(MINUTE);
  const found = async () => ({
    statuses: await Promise.all(ids.map((id) => run("flows:status", { id }))),
    effects: await backend.column("effects", "value"),
  });
  const ended = async () => {
    await backend.clock.advance(2 * HOUR);
    return await found();
  };
  return { ...backend, found, ended };
}

const withCounts = (name: string, counts: number[]) =>
  counts.map((count): Flow => [name, { count }]);

describe("a handler that makes any number of host calls of its own", () => {
  test.each([
    ["before its first step", "afterHostCalls", ["undefined", "undefined"]],
    ["between its steps", "betweenSteps", [0]],
    ["in a branch beside a sleep", "besideSleep", ["undefined"]],
  ])("%s sees its own globals", async (_title, flow, effects) => {
    const flows = withCounts(flow, [0, 1, 2, 5, 40]);
    const { found, ended } = await started(APP, ...flows);
    const all = flows.flatMap((): unknown[] => effects);
    const result = flow === "besideSleep" ? "done" : "undefined";
    // The other branch continues during the sleep.
    expect((await found()).effects).toEqual(all);
    expect(await ended()).toEqual({
      statuses: flows.map(() => ({ type: "completed", result })),
      effects: all,
    });
  });

  test("around each step continues when 0.4 began its run", async () => {
    const flows = withCounts("afterSleep", [0, 1, 2, 5]);
    const { deployment, ended } = await started(PUBLISHED_APP, ...flows);
    await deployment.deploy(await bundle(APP));
    expect(await ended()).toEqual({
      statuses: Array(4).fill({ type: "completed", result: "undefined" }),
      effects: Array(8).fill("undefined"),
    });
  });

  test("executes a step that it doesn't await if 0.4, which began its run, would", async () => {
    const flows = withCounts("leavesStep", [0, 1, 2, 3, 6]);
    const published = await started(PUBLISHED_APP, ...flows);
    const switched = await started(PUBLISHED_APP, ...flows);
    await switched.deployment.deploy(await bundle(APP));
    const expected = await published.ended();
    expect(expected.effects).toEqual([2, 3, 6]);
    expect(await switched.ended()).toEqual(expected);
  });

  test("may enqueue a job in a pool of the app's and start a run, with callbacks", async () => {
    const { ended } = await started(APP, ["enqueuesJob"], ["startsRun"]);
    const { statuses, effects } = await ended();
    expect(statuses).toMatchObject(Array(2).fill({ type: "completed" }));
    for (const effect of ["undefined", ["job", 1], ["run", "child"]])
      expect(effects).toContainEqual(effect);
  });
});

test("rejections that precede their handlers fail runs as on convex-test", async () => {
  const all = Object.entries(lateRejections({} as never));
  const flows = all.map(([name]): Flow => ["lateRejection", { name }]);
  const { statuses } = await (await started(APP, ...flows)).ended();
  const named = (values: unknown[]) =>
    Object.fromEntries(all.map(([name], at) => [name, values[at]]));
  const expected = all.map(([, { ends }]) =>
    "returns" in ends
      ? { type: "completed", result: ends.returns }
      : {
          type: "failed",
          error: expect.stringMatching(ends.fails) as string,
        },
  );
  expect(named(statuses)).toEqual(named(expected));
});

test("a handler that uses a timer fails at once with a clear error, even if steps are in flight", async () => {
  const { found } = await started(APP, ["timerBesideSleep"]);
  expect((await found()).statuses).toMatchObject([
    {
      type: "failed",
      error: expect.stringMatching(
        /^Can't use setTimeout[^]*use step\.sleep/,
      ) as string,
    },
  ]);
});

test("a handler disposes of its resources with steps", async () => {
  const { ended } = await started(APP, ["disposes"]);
  expect(await ended()).toEqual({
    statuses: [{ type: "completed", result: "Date" }],
    effects: ["lock outer", "lock inner", "unlock inner", "unlock outer"],
  });
});
