import type { FunctionReference } from "convex/server";
import { describe, expect, test } from "vitest";
import { internal } from "../../testing/app/_generated/api.js";
import { manager } from "../../testing/app/workflows.js";
import {
  insertRun,
  insertSteps,
  listenToConsole,
} from "../../testing/managing.js";
import { child } from "../../testing/scenes.js";
import {
  advance,
  components,
  drain,
  endings,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  cancelMany,
  cleanupMany,
  counts,
  list,
  restartMany,
  start,
  type ManyResult,
  type RunMutationCtx,
  type WorkflowCtx,
} from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const { workflow } = components;

/** Calls as an action, so each call has its own transaction. */
const inAction = (t: Backend) =>
  ({
    runQuery: (query: FunctionReference<"query">, args: never) =>
      t.query((ctx) => ctx.runQuery(query, args)),
    runMutation: (mutation: FunctionReference<"mutation">, args: never) =>
      t.mutation((ctx) => ctx.runMutation(mutation, args)),
    runAction: () => undefined,
  }) as unknown as RunMutationCtx;

const SUCCESS = { kind: "success", returnValue: 1 } as const;
const FAILED = { kind: "failed", error: "no" } as const;

async function insertMany(
  t: Backend,
  count: number,
  fields: Parameters<typeof insertRun>[1],
) {
  for (let index = 0; index < count; index++) await insertRun(t, fields);
}

/** Starts runs whose `onComplete` starts another such run. */
function startsAnother(t: Backend) {
  script("handler", "main", (step) => step.awaitEvent({ name: "never" }));
  const begin = (ctx: RunMutationCtx) =>
    start(
      ctx,
      workflows.workflow,
      { handler: "main" },
      { onComplete: internal.managed.onEnd, context: null },
    );
  // Without this limit, a defect that also cancels those would never end.
  let begun = 0;
  script("mutation", "onEnd", async (ctx: RunMutationCtx) =>
    ++begun <= 200 ? await begin(ctx) : null,
  );
  return { first: () => t.mutation(begin) };
}

/** Calls one mutation after another until no run is left. Returns each one's count. */
async function everyBatch(
  t: Backend,
  act: (
    ctx: RunMutationCtx,
    options: { cursor?: string },
  ) => Promise<ManyResult>,
) {
  const batches: number[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const options: { cursor?: string } = { cursor };
    const result: ManyResult = await t.mutation((ctx) => act(ctx, options));
    batches.push(result.done);
    cursor = result.cursor;
  }
  return batches;
}

const countAll = (t: Backend, name?: string) =>
  t.query((ctx) => counts(ctx, workflow, { name }));

describe("cleanupMany", () => {
  test("in an action cleans up and counts all matching runs in many transactions", async () => {
    const t = newBackend({ transactionLimits: true });
    await insertMany(t, 150, { name: "a:a", runResult: SUCCESS });
    await insertMany(t, 20, { name: "a:a", runResult: FAILED });
    await insertMany(t, 10, { name: "b:b", runResult: SUCCESS });
    await insertMany(t, 5, { name: "a:a" });
    const { page } = await t.query((ctx) => list(ctx, workflow));
    await insertSteps(t, page[0]!.workflowId, { from: 0, to: 300 });
    const done = await cleanupMany(inAction(t), workflow, {
      name: "a:a",
      status: "completed",
    });
    expect(done).toEqual({ done: 150, cursor: null });
    await drain();
    expect(await rows(t, "steps")).toEqual([]);
    expect(await countAll(t, "a:a")).toMatchObject({
      completed: 0,
      failed: 20,
      inProgress: 5,
    });
    expect(await countAll(t, "b:b")).toMatchObject({ completed: 10 });
    // Without a status, every finished run matches.
    expect(await cleanupMany(inAction(t), workflow)).toMatchObject({
      done: 30,
    });
    expect(await countAll(t)).toMatchObject({ failed: 0, inProgress: 5 });
  });

  test("skips runs outside the time range, and children of a parent in progress", async () => {
    const t = newBackend();
    script("handler", "child", async () => 1);
    const parent = await startHandler(t, async (step) => {
      await child(step);
      await step.awaitEvent({ name: "go" });
    });
    await drain();
    const before = Date.now();
    await advance(1000);
    await insertMany(t, 1, { runResult: SUCCESS });
    const clean = (since?: number, until?: number) =>
      t.mutation((ctx) => cleanupMany(ctx, workflow, { since, until }));
    expect(await clean(undefined, before)).toMatchObject({ done: 0 });
    expect(await clean(before, undefined)).toMatchObject({ done: 1 });
    const { page } = await t.query((ctx) => list(ctx, workflow));
    expect(page.map(({ status }) => status)).toEqual([
      "inProgress",
      "completed",
    ]);
    await t.mutation((ctx) => manager.cancel(ctx, parent));
    expect(await clean()).toMatchObject({ done: 2 });
    await drain();
    expect(await rows(t, "workflows")).toEqual([]);
  });
});

describe("cancelMany", () => {
  test("cancels runs with a name and their steps and children once, and calls onComplete", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(9999));
    for (let index = 0; index < 3; index++)
      await startHandler(t, (step) => child(step), { context: "mine" });
    await advance(1000);
    await insertMany(t, 1, { name: "other:one" });
    const { done } = await cancelMany(inAction(t), workflow, {
      name: workflows.workflow,
    });
    // The children were canceled together with their parents.
    expect(done).toBe(3);
    expect(await countAll(t)).toMatchObject({ canceled: 6, inProgress: 1 });
    expect(await endings(t)).toHaveLength(3);
    await drain();
    expect(await countAll(t)).toMatchObject({ canceled: 6 });
  });

  test.each(["in an action", "in a mutation"] as const)(
    "a run that an onComplete starts isn't canceled, so that the call ends: %s",
    async (where) => {
      const t = newBackend();
      const starts = startsAnother(t);
      const count = 40;
      for (let index = 0; index < count; index++) await starts.first();
      await insertMany(t, 1, { name: "b:b" });
      if (where === "in an action")
        expect(await cancelMany(inAction(t), workflow)).toEqual({
          done: count + 1,
          cursor: null,
        });
      else
        expect(await everyBatch(t, manager.cancelMany.bind(manager))).toEqual([
          32,
          count + 1 - 32,
        ]);
      expect(await countAll(t)).toMatchObject({
        inProgress: count,
        canceled: count + 1,
      });
    },
  );

  test("a later until doesn't include runs that start meanwhile", async () => {
    const t = newBackend();
    const starts = startsAnother(t);
    await starts.first();
    const options = { until: Date.now() + 60_000 };
    const result = await cancelMany(inAction(t), workflow, options);
    expect(result).toEqual({ done: 1, cursor: null });
    const other = { until: Date.now() - 60_000 };
    expect(await cancelMany(inAction(t), workflow, other)).toMatchObject({
      done: 0,
    });
    expect(await countAll(t)).toMatchObject({ inProgress: 1, canceled: 1 });
  });
});

describe("restartMany", () => {
  test("restarts failed runs from a step so that each runs once, and skips children and runs without the step", async () => {
    const t = newBackend();
    let isMended = false;
    let executed = 0;
    script("mutation", "charge", () => {
      executed++;
      if (!isMended) throw new Error("declined");
      return "paid";
    });
    const charge = (step: WorkflowCtx) =>
      step.runMutation(steps.mutation, { name: "charge" });
    script("handler", "child", charge);
    const direct = [];
    for (let index = 0; index < 3; index++)
      direct.push(await startHandler(t, charge, { name: "direct" }));
    const parent = await startHandler(t, (step) => child(step), {
      name: "parent",
    });
    await drain();
    expect(await countAll(t)).toMatchObject({ failed: 5 });
    isMended = true;
    executed = 0;
    const result = await restartMany(inAction(t), workflow, {
      from: steps.mutation,
    });
    expect(result).toEqual({ done: 3, cursor: null });
    await drain();
    for (const id of direct)
      expect(await statusOf(t, id)).toMatchObject({ result: "paid" });
    expect(executed).toBe(3);
    const rest = await t.mutation((ctx) =>
      manager.restartMany(ctx, { fromFailure: true, status: "failed" }),
    );
    expect(rest).toEqual({ done: 1, cursor: null });
    await drain();
    expect(await statusOf(t, parent)).toMatchObject({ result: "paid" });
    expect(executed).toBe(4);
    expect(await countAll(t)).toMatchObject({ failed: 0, completed: 5 });
  });
});

const many = { cancelMany, restartMany, cleanupMany };
const both = /restartMany: from and fromFailure exclude each other/;

test.each<[keyof typeof many, object, RegExp]>([
  ["restartMany", { from: -1 }, /^Step number cannot be negative: -1$/],
  ["restartMany", { from: 1.5 }, /^Step number must be a whole number: 1\.5$/],
  ["restartMany", { from: NaN }, /^Step number must be a whole number: NaN$/],
  ["restartMany", { from: 0, fromFailure: true }, both],
  ["restartMany", { from: "x", fromFailure: true }, both],
  ["restartMany", { status: "inProgress" }, /restartMany/],
  ["cancelMany", { status: "failed" }, /cancelMany/],
  ["cancelMany", { cursor: '[1,"x"]' }, /cursor/],
  ["cleanupMany", { status: "inProgress" }, /cleanupMany/],
])("%s refuses %j, whatever matches", async (name, options, message) => {
  const t = newBackend();
  const expectRefused = () =>
    expect(
      t.mutation((ctx) => many[name](ctx, workflow, options)),
    ).rejects.toMatchObject({
      data: { code: "INVALID_ARGUMENT" },
      message: expect.stringMatching(message) as string,
    });
  await expectRefused();
  await insertMany(t, 2, { runResult: FAILED });
  await insertMany(t, 1, {});
  await expectRefused();
  expect(await countAll(t)).toMatchObject({ failed: 2, inProgress: 1 });
});

test("another filter's cursor is refused, and changes nothing", async () => {
  const t = newBackend();
  for (const name of ["a:a", "b:b"])
    await insertMany(t, 40, { name, runResult: FAILED });
  const { cursor } = await t.mutation((ctx) =>
    cleanupMany(ctx, workflow, { name: "b:b" }),
  );
  for (const filter of [{ name: "a:a" }, { status: "failed" as const }, {}])
    await expect(
      t.mutation((ctx) =>
        cleanupMany(ctx, workflow, { ...filter, cursor: cursor! }),
      ),
    ).rejects.toThrow(/^Invalid cursor: /);
  expect(await countAll(t, "a:a")).toMatchObject({ failed: 40 });
  expect(await countAll(t, "b:b")).toMatchObject({ failed: 8 });
});

test("restartMany warns about runs that it skips because they lack the step", async () => {
  const t = newBackend();
  await insertMany(t, 40, { runResult: FAILED });
  const options = { from: "steps:mispelled" };
  const result = await restartMany(inAction(t), workflow, options);
  expect(result).toEqual({ done: 0, cursor: null });
  expect(heard.said).toEqual([
    expect.stringMatching(
      /restartMany leaves out 32 of 32 runs, the first of them workflow \S+\. Step "steps:mispelled" not found/,
    ),
    expect.stringMatching(/restartMany leaves out 8 of 8 runs/),
  ]);
});
