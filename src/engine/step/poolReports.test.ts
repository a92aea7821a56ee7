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
import { everyRow } from "../../testing/tables.js";
import { internal } from "../../component/_generated/api.js";

// What jobs that are in the pool at a switch from 0.4 call when they are done.

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

/** A run that waits for a function step, with its parts as 0.4 would name them to the pool. */
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

/** The two functions that complete a step, called alike. */
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

async function expectIgnored(t: Backend, act: () => Promise<unknown>) {
  const before = await everyRow(t);
  await act();
  expect(await everyRow(t)).toEqual(before);
  expect(heard.said).toEqual([]);
}

describe.each(Object.entries(completions))("%s", (_name, complete) => {
  test.each([
    [success({ a: 1 }), { a: 1 }],
    [{ kind: "failed", error: "boom" } as const, "caught boom"],
    [{ kind: "canceled" } as const, "caught Canceled"],
  ])(
    "records the step's result (%j), and wakes the run",
    async (result, value) => {
      for (const legacy of [false, true]) {
        const t = newBackend();
        const { id, context } = await waiting(t, { legacy });
        await complete(t, context, result);
        await advance(1000);
        expect(await statusOf(t, id)).toEqual({
          type: "completed",
          result: value,
        });
      }
    },
  );

  test("changes nothing the second time, and logs nothing", async () => {
    const t = newBackend();
    const { context } = await waiting(t);
    await complete(t, context, success(1));
    await expectIgnored(t, () => complete(t, context, success(2)));
    await advance(1000);
    await expectIgnored(t, () => complete(t, context, success(3)));
  });

  test("changes nothing of another generation, and logs nothing", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    await expectIgnored(t, () =>
      complete(t, { ...context, generationNumber: 1 }, success(1)),
    );
    await cancel(t, id);
    await expectIgnored(t, () => complete(t, context, success(1)));
    await restart(t, id);
    await expectIgnored(t, () => complete(t, context, success(1)));
  });

  test("ignores a deleted step or run, and logs nothing", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    await cancel(t, id);
    await restart(t, id, { from: 0, startAsync: true });
    await expectIgnored(t, () => complete(t, context, success(1)));
    await cancel(t, id);
    await cleanup(t, id);
    await drain();
    await expectIgnored(t, () => complete(t, context, success(1)));
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
    // It names no run.
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
  });

  test.each(["stepId", "workflowId"] as const)(
    "a context of another shape fails the run that its %s names, with its onComplete",
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
      expect(await statusOf(t, id)).toEqual({ type: "failed", error });
      expect(await endings(t)).toMatchObject([
        { workflowId: id, result: { kind: "failed" }, context: "mine" },
      ]);
      expect(await rows(t, "onCompleteFailures")).toMatchObject([{ context }]);
    },
  );

  test("a context of another shape changes nothing of a run that has ended", async () => {
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

  test("a report that no row can hold is kept shortened, and never throws", async () => {
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

  test("a result too large for its row fails the step, which can be caught", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    await complete(t, context, success("x".repeat(1_000_000)));
    await advance(1000);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: expect.stringMatching(
        /^caught The return value .* too large/,
      ) as string,
    });
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
    expect(await statusOf(t, id)).toEqual({
      type: "failed",
      error: "out of time",
    });
    expect(await endings(t)).toMatchObject([
      { workflowId: id, result: died, context: "mine" },
    ]);
    expect(await rows(t, "onCompleteFailures")).toEqual([]);
  });

  test("ends a run whose turn's job was removed from the pool by hand", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    const context = { workflowId: id, generationNumber: 0 };
    await tell(t, context, { kind: "canceled" });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({
      type: "failed",
      error: expect.stringContaining(
        `turn of workflow ${id} was canceled`,
      ) as string,
    });
  });

  test("a very long cause is cut", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    const context = { workflowId: id, generationNumber: 0 };
    await tell(t, context, { kind: "failed", error: "x".repeat(2_000_000) });
    await drain();
    const status = await statusOf(t, id);
    expect((status as { error: string }).error.length).toBeLessThan(20_000);
  });

  test("does nothing if the turn succeeded, whatever its context is", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    for (const context of [{ workflowId: id, generationNumber: 0 }, null])
      await expectIgnored(t, () => tell(t, context, success(null)));
  });

  test("of another generation, an ended run or one that is gone changes nothing and logs nothing", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    const context = { workflowId: id, generationNumber: 0 };
    await expectIgnored(t, () =>
      tell(t, { ...context, generationNumber: 1 }, died),
    );
    await cancel(t, id);
    await expectIgnored(t, () => tell(t, context, died));
    await expectIgnored(t, () =>
      tell(t, { ...context, generationNumber: 1 }, died),
    );
    await cleanup(t, id);
    await drain();
    await expectIgnored(t, () => tell(t, context, died));
  });

  test("keeps a context of another shape, and fails the run that it names", async () => {
    const t = newBackend();
    const { id } = await waiting(t);
    await tell(t, "text", died);
    await tell(t, { generationNumber: 0 }, died);
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await tell(t, { workflowId: id }, died);
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workId, result: died, context: "text" },
      { workId, result: died, context: { generationNumber: 0 } },
      { workId, result: died, context: { workflowId: id } },
    ]);
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
        ...{ workId, context, result },
      });
      await drain();
      expect(await statusOf(t, id)).toEqual({
        type: "completed",
        result: "done",
      });
    },
  );

  test("is executed again if it was to execute a mutation", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }, { runAfter: LATER }),
    );
    const context = { workflowId: id, stepNumber: 0, generationNumber: 0 };
    const error = "Canceled via scheduler";
    await callInternal(t, internal.pool.onComplete, {
      ...{ workId, context, result: { kind: "failed", error } },
    });
    await advance(1000);
    expect(await statusOf(t, id)).toEqual({ type: "completed", result: 1 });
  });
});
