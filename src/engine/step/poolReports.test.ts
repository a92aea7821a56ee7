import { createFunctionHandle } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  callInternal,
  cancel,
  cleanup,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import {
  advance,
  drain,
  endings,
  inComponent,
  journal,
  newBackend,
  rows,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { expectUnchanged } from "../../testing/doors.js";
import { completed, failed } from "../../testing/statuses.js";
import { components, internal } from "../../component/_generated/api.js";
import type { WorkflowId } from "../../client/index.js";

// Functions that jobs call when they end, if they were in the pool at a switch from 0.4.

useBackend();
const heard = listenToConsole();

const LATER = 100_000;
const workId = "some job" as never;

type Result =
  | { kind: "success"; returnValue: unknown }
  | { kind: "failed"; error: string }
  | { kind: "canceled" };
const success = (returnValue: unknown): Result => ({
  kind: "success",
  returnValue,
});

/** Starts a run that waits for a function step, and returns its ids as 0.4 passed them to the pool. */
async function waiting(t: Backend, options: { legacy?: boolean } = {}) {
  const id = await startHandler(
    t,
    (step) =>
      step
        .runAction(steps.echoAction, { value: "own" }, { runAfter: LATER })
        .catch((error: Error) => `caught ${error.message}`),
    { context: "mine" },
  );
  if (options.legacy)
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, { engineVersion: undefined }),
    );
  const [row] = await journal(t, id);
  const context = {
    generationNumber: 0,
    stepId: row!._id,
    workpoolOptions: { maxParallelism: 10 },
  };
  return { id, context };
}

/** The two functions that complete a step, with the same signature. */
const completions = {
  "pool:onComplete": (t: Backend, context: unknown, result: Result) =>
    callInternal(t, internal.pool.onComplete, { workId, context, result }),
  "pool:nestedWorkflowOnComplete": (
    t: Backend,
    context: unknown,
    result: Result,
  ) =>
    callInternal(t, internal.pool.nestedWorkflowOnComplete, {
      workflowId: "a nested run",
      context,
      result,
    }),
};

describe.each(Object.entries(completions))("%s", (_name, complete) => {
  test.each([
    [success({ a: 1 }), { a: 1 }],
    [{ kind: "failed", error: "boom" } as const, "caught boom"],
    [{ kind: "canceled" } as const, "caught Canceled"],
    [
      success("x".repeat(1_000_000)),
      expect.stringMatching(/^caught The return value .* too large/) as string,
    ],
  ])(
    "records the step's result and wakes the run: %#",
    async (result, value) => {
      for (const legacy of [false, true]) {
        const t = newBackend();
        const { id, context } = await waiting(t, { legacy });
        await complete(t, context, result);
        await advance(1000);
        expect(await statusOf(t, id)).toEqual(completed(value));
      }
    },
  );

  test("does nothing the second time, for another generation, or for a deleted step or run", async () => {
    const t = newBackend();
    const expectIgnored = (context: unknown, value: unknown) =>
      expectUnchanged(t, heard, () => complete(t, context, success(value)));
    const { id, context } = await waiting(t);
    await expectIgnored({ ...context, generationNumber: 1 }, 1);
    await complete(t, context, success(1));
    await expectIgnored(context, 2);
    await advance(1000);
    await expectIgnored(context, 3);
    const canceled = await waiting(t);
    await cancel(t, canceled.id);
    await expectIgnored(canceled.context, 1);
    await restart(t, canceled.id);
    await expectIgnored(canceled.context, 1);
    await cancel(t, canceled.id);
    await restart(t, canceled.id, { from: 0, startAsync: true });
    await expectIgnored(canceled.context, 1);
    await cancel(t, canceled.id);
    for (const run of [id, canceled.id]) await cleanup(t, run);
    await drain();
    await expectIgnored(canceled.context, 1);
    await expectIgnored(context, 1);
  });

  test.each([
    ["null", null],
    ["a text", "text"],
    ["nothing in it", {}],
    ["no step", { generationNumber: 0 }],
    ["a step that is none", { generationNumber: 0, stepId: "garbage" }],
    ["other fields", { step: 1, generation: 2 }],
  ])("keeps a completion whose context has %s", async (_what, context) => {
    const t = newBackend();
    const { id } = await waiting(t);
    await complete(t, context, success("kept"));
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { context, result: success("kept") },
    ]);
    expect(heard.said).toEqual([
      expect.stringContaining("onCompleteFailures") as string,
    ]);
    // The context names no run.
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
  });

  test.each(["stepId", "workflowId"] as const)(
    "a context with another shape fails the run that its %s names, and calls its onComplete",
    async (field) => {
      const t = newBackend();
      const { id, context: known } = await waiting(t);
      const named = {
        stepId: known.stepId as string,
        workflowId: id as string,
      };
      const context = { [field]: named[field], more: [1] };
      await complete(t, context, success(1));
      await advance(1000);
      const error = expect.stringContaining(`"more"`) as string;
      expect(await statusOf(t, id)).toEqual(failed(error));
      expect(await endings(t)).toMatchObject([
        { workflowId: id, result: { kind: "failed" }, context: "mine" },
      ]);
      expect(await rows(t, "onCompleteFailures")).toMatchObject([{ context }]);
    },
  );

  test("a context with another shape doesn't change an ended run", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    await complete(t, context, success(1));
    await advance(1000);
    const run = await rows(t, "workflows");
    await complete(t, { stepId: context.stepId }, success(2));
    await advance(LATER);
    expect(await rows(t, "workflows")).toEqual(run);
    expect(await rows(t, "onCompleteFailures")).toHaveLength(1);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("a report that is too large for a row is shortened and never throws", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    let deep: unknown = 1n;
    for (let depth = 0; depth < 40; depth++) deep = [deep];
    const values = [deep, "x".repeat(900_000), { big: 1n }];
    for (const value of values)
      await complete(t, { workflowId: id, value }, success(value));
    const kept = await rows(t, "onCompleteFailures");
    expect(kept).toHaveLength(3);
    for (const row of kept)
      expect(
        JSON.stringify(row, (_k, v: unknown) =>
          typeof v === "bigint" ? `${v}` : v,
        ).length,
      ).toBeLessThan(50_000);
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
  });
});

describe("pool:handlerOnComplete", () => {
  const tell = (t: Backend, context: unknown, result: Result) =>
    callInternal(t, internal.pool.handlerOnComplete, {
      workId,
      context,
      result,
    });
  const died: Result = { kind: "failed", error: "out of time" };

  test("ends a run whose turn crashed, with the cause, and calls its onComplete once", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    const context = { workflowId: id, generationNumber: 0 };
    await tell(t, context, died);
    await tell(t, context, died);
    await drain();
    expect(await statusOf(t, id)).toEqual(failed("out of time"));
    expect(await endings(t)).toMatchObject([
      { workflowId: id, result: died, context: "mine" },
    ]);
    expect(await rows(t, "onCompleteFailures")).toEqual([]);
  });

  test.each<[string, Result, RegExp]>([
    [
      "whose turn's job was removed from the pool by hand",
      { kind: "canceled" },
      /turn of workflow \S+ was canceled/,
    ],
    [
      "of a very long cause, which is cut",
      { kind: "failed", error: "x".repeat(2_000_000) },
      /^xxx.{0,20000}$/,
    ],
  ])("ends a run %s", async (_which, result, error) => {
    const t = newBackend();
    const { id } = await waiting(t);
    await tell(t, { workflowId: id, generationNumber: 0 }, result);
    await drain();
    expect(await statusOf(t, id)).toEqual(failed(expect.stringMatching(error)));
  });

  test("does nothing if the turn succeeded, or for another generation, an ended run or a deleted run", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    const context = { workflowId: id, generationNumber: 0 };
    const next = { ...context, generationNumber: 1 };
    const expectIgnored = (told: unknown, result: Result = died) =>
      expectUnchanged(t, heard, () => tell(t, told, result));
    await expectIgnored(context, success(null));
    await expectIgnored(null, success(null));
    await expectIgnored(next);
    await cancel(t, id);
    await expectIgnored(context);
    await expectIgnored(next);
    await cleanup(t, id);
    await drain();
    await expectIgnored(context);
  });

  test("keeps a context with another shape and fails the run that it names", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    const contexts = ["text", { generationNumber: 0 }, { workflowId: id }];
    for (const context of contexts) {
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
      await tell(t, context, died);
      await advance(1000);
    }
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await rows(t, "onCompleteFailures")).toMatchObject(
      contexts.map((context) => ({ workId, result: died, context })),
    );
  });
});

describe("a job of the pool whose scheduled function an operator canceled", () => {
  test.each(["Canceled via scheduler", "Scheduled job not found"])(
    "is taken again if it was to take a turn (%s)",
    async (error) => {
      const t = newBackend();
      const id = await startHandler(t, async () => "done", {
        startAsync: true,
      });
      const context = { workflowId: id, generationNumber: 0 };
      const result: Result = { kind: "failed", error };
      await callInternal(t, internal.pool.handlerOnComplete, {
        workId,
        context,
        result,
      });
      await drain();
      expect(await statusOf(t, id)).toEqual(completed("done"));
    },
  );

  test("runs again if it executes a mutation", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }, { runAfter: LATER }),
    );
    const context = { workflowId: id, stepNumber: 0, generationNumber: 0 };
    await callInternal(t, internal.pool.onComplete, {
      workId,
      context,
      result: { kind: "failed", error: "Canceled via scheduler" },
    });
    await advance(1000);
    expect(await statusOf(t, id)).toEqual(completed(1));
  });
});

/** Moves a run's first sleep to a pool job, as under 0.4. */
async function sleepInPool(
  t: Backend,
  id: WorkflowId,
  { runAfter, completes }: { runAfter: number; completes: boolean },
) {
  const [row] = await journal(t, id);
  await inComponent(t, async (ctx) => {
    const onComplete = {
      fnHandle: await createFunctionHandle(internal.pool.onComplete),
      context: { generationNumber: 0, stepId: row!._id },
    };
    const job = await ctx.runMutation(components.workpool.lib.enqueue, {
      config: { logLevel: "WARN" },
      fnType: "query",
      fnHandle: await createFunctionHandle(internal.workflow.sleep),
      fnName: "sleep",
      fnArgs: {},
      runAt: Date.now() + runAfter,
      ...(completes && { onComplete }),
    });
    await ctx.db.patch("workflows", id as never, { engineVersion: undefined });
    await ctx.db.patch("steps", row!._id, {
      timer: undefined,
      step: { ...row!.step, workId: job } as never,
    });
  });
}

test("a job that 0.4 left in the pool ends its run's sleep", async () => {
  const t = newBackend();
  const id = await startHandler(t, async (step) => {
    await step.sleep(LATER);
    return "slept";
  });
  await sleepInPool(t, id, { runAfter: 5000, completes: true });
  await advance(4000);
  expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
  await advance(4000);
  expect(await statusOf(t, id)).toEqual(completed("slept"));
  await drain();
  expect(heard.said).toEqual([]);
});

test("a sleep that 0.4 left in the pool is removed once when its run is canceled and restarted", async () => {
  const t = newBackend();
  const id = await startHandler(t, (step) => step.sleep(LATER));
  await sleepInPool(t, id, { runAfter: LATER, completes: false });
  await advance(1000);
  await cancel(t, id);
  await advance(1000);
  await restart(t, id);
  await drain();
  expect(await statusOf(t, id)).toEqual(completed(null));
  expect(heard.said).toEqual([]);
});
