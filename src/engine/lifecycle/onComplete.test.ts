import { createFunctionHandle } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  insertRun,
  listenToConsole,
  startWithOnComplete,
} from "../../testing/managing.js";
import {
  child,
  echo,
  LATER,
  removeFunction,
  times,
} from "../../testing/scenes.js";
import type { Handler } from "../../testing/app/scripts.js";
import { completed, failed } from "../../testing/statuses.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
  inComponent,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { internal as app } from "../../testing/app/_generated/api.js";
import { manager } from "../../testing/app/workflows.js";
import { timeOutTransaction } from "../../testing/transactionTimeout.js";
import * as client from "../../client/index.js";
import type { OnCompleteArgs, WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const { workflow } = components;
const error = (matching: RegExp) => expect.stringMatching(matching) as string;

type Begin = (t: Backend) => Promise<WorkflowId>;
const context = "mine";
/** Starts a run of the handler, then performs an operation on it. */
const started =
  (handler: Handler, then?: (t: Backend, id: WorkflowId) => unknown): Begin =>
  async (t) => {
    const id = await startHandler(t, handler, { context });
    await then?.(t, id);
    return id;
  };

test.each<[string, Begin, object]>([
  [
    "a success in the caller's transaction",
    started(async () => 7),
    { kind: "success", returnValue: 7 },
  ],
  [
    "a failure of the handler",
    started((step) => step.runMutation(steps.fail, { message: "no" })),
    { kind: "failed", error: "no" },
  ],
  [
    "a cancellation",
    started((step) => step.sleep(LATER), cancel),
    { kind: "canceled" },
  ],
  [
    "a handler that was removed while the run waited",
    started((step) => step.sleep(10), removeFunction),
    { kind: "failed", error: error(/removed/) },
  ],
  [
    "a handler that was never there",
    (t) =>
      t.mutation(async (ctx) => {
        const fnHandle = await createFunctionHandle(steps.ended);
        return (await ctx.runMutation(workflow.workflow.create, {
          workflowName: "gone:workflow",
          workflowHandle: "function://;gone:workflow",
          workflowArgs: {},
          startAsync: true,
          onComplete: { fnHandle, context },
        })) as WorkflowId;
      }),
    { kind: "failed", error: error(/gone/) },
  ],
  [
    "a handler that can't be replayed any more",
    started(
      (step) => step.sleep(10),
      () => script("handler", "main", (step) => echo(step, 1)),
    ),
    { kind: "failed", error: error(/Determinism violation/) },
  ],
  [
    "a handler that waits for something that can never happen",
    started(() => new Promise(() => undefined)),
    { kind: "failed", error: error(/can never continue/) },
  ],
  [
    "a return value that can't be stored",
    started(async () => "x".repeat(2 << 20)),
    { kind: "failed", error: error(/too large/) },
  ],
  [
    "the end of a parent, not of its nested run, which has none",
    (t) => {
      script("handler", "child", async () => 1);
      return started((step) => child(step))(t);
    },
    { kind: "success", returnValue: 1 },
  ],
])("onComplete is called once for %s", async (_what, begin, result) => {
  const t = newBackend();
  const workflowId = await begin(t);
  await drain();
  const [ending, ...others] = await endings(t);
  expect(others).toEqual([]);
  expect(ending).toMatchObject({ workflowId, result, context });
  const status = await statusOf(t, workflowId);
  if (ending!.result.kind === "failed")
    expect(status).toEqual(failed(ending!.result.error));
});

describe("an onComplete that throws:", () => {
  const throwing = (t: Backend, handler: Parameters<typeof startHandler>[1]) =>
    startWithOnComplete(t, handler, async (ctx) => {
      await ctx.db.insert("effects", { key: "end", value: "undone" });
      throw new Error("callback broke");
    });

  test("the run still ends, and the failure is recorded and logged", async () => {
    const t = newBackend();
    const id = await throwing(t, async (step) => {
      await step.sleep(10);
      return "done";
    });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("done"));
    expect(await effects(t)).toEqual([]);
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      {
        workflowId: id,
        generationNumber: 0,
        runResult: { kind: "success", returnValue: "done" },
        error: error(/callback broke/),
      },
    ]);
    expect(heard.said).toEqual([
      error(new RegExp(`onComplete of workflow ${id} failed.*callback broke`)),
    ]);
  });

  test("its long error is truncated to fit with a large result, even in the log", async () => {
    const t = newBackend();
    const id = await startWithOnComplete(
      t,
      async () => "x".repeat(1_000_000),
      () => {
        throw new Error("y".repeat(2_000_000));
      },
    );
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    const [kept] = await rows(t, "onCompleteFailures");
    const { error: reason } = kept as { error: string };
    expect(reason.length).toBeLessThanOrEqual(1000);
    expect(heard.said).toEqual([
      `onComplete of workflow ${id} failed, see onCompleteFailures: ${reason}`,
    ]);
  });

  test("if it uses up the transaction, the run ends and the failure is kept", async () => {
    const t = newBackend({ transactionLimits: true });
    const greedy = async (
      ctx: Parameters<Parameters<typeof startWithOnComplete>[2]>[0],
    ) => {
      for (;;) await ctx.db.insert("effects", { key: "end", value: 1 });
    };
    const id = await startWithOnComplete(t, (step) => step.sleep(10), greedy);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workflowId: id, error: error(/too many documents/) },
    ]);
    const other = await startWithOnComplete(
      t,
      (step) => Promise.all(times(300, () => step.sleep(LATER))),
      greedy,
    );
    await cancel(t, other);
    expect(await statusOf(t, other)).toEqual({ type: "canceled" });
    expect(await effects(t)).toEqual([]);
  });
});

describe("an onComplete that fails its whole transaction:", () => {
  test("the run ends without it, and the failure is kept", async () => {
    const t = newBackend();
    let calls = 0;
    const id = await startWithOnComplete(
      t,
      async (step) => {
        await step.sleep(10);
        return "done";
      },
      () => {
        calls++;
        return timeOutTransaction();
      },
    );
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2 * LATER);
    expect(calls).toBe(2);
    expect(await statusOf(t, id)).toEqual(
      failed(error(/turn of workflow .* crashed/)),
    );
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workflowId: id, error: error(/crashed/) },
    ]);
  });

  test("if it fails only once, it is called again and its writes commit once", async () => {
    const t = newBackend();
    let calls = 0;
    const id = await startWithOnComplete(
      t,
      (step) => step.sleep(10),
      async (ctx, { result }) => {
        await ctx.db.insert("effects", { key: "end", value: result.kind });
        if (calls++ === 0) await timeOutTransaction();
      },
    );
    await advance(2 * LATER);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await effects(t)).toEqual(["failed"]);
    expect(await rows(t, "onCompleteFailures")).toEqual([]);
  });
});

// Lists kept failures, and calls onComplete again.

const listed = async (t: Backend) =>
  (await t.query((ctx) => client.listOnCompleteFailures(ctx, workflow))).page;
const retry = (t: Backend, id: string) =>
  t.mutation((ctx) => client.retryOnComplete(ctx, workflow, id));

/** Starts a run whose `onComplete` throws until it is fixed. */
async function failing(
  t: Backend,
  end: () => Promise<unknown> = async () => 7,
) {
  const calls: OnCompleteArgs[] = [];
  const state = { isFixed: false };
  const id = await startWithOnComplete(t, end, async (ctx, args) => {
    await ctx.db.insert("effects" as never, { key: "onEnd", value: "called" });
    if (!state.isFixed) throw new Error("out of order");
    calls.push(args);
  });
  await drain();
  return { id, calls, state };
}

test("an onComplete that threw is listed, and retries call it with the same arguments until one commits", async () => {
  const t = newBackend();
  const { id: workflowId, calls, state } = await failing(t);
  const result = { kind: "success", returnValue: 7 };
  const ended = { workflowId, result, context: "its own" };
  const failures = await listed(t);
  expect(failures).toEqual([
    {
      ...ended,
      id: expect.any(String) as string,
      failedAt: expect.any(Number) as number,
      error: expect.stringContaining("out of order") as string,
      canRetry: true,
    },
  ]);
  const { id } = failures[0]!;
  const expectKept = async () => {
    expect(await effects(t)).toEqual([]);
    expect(await listed(t)).toEqual(failures);
  };
  // It throws again.
  await expect(retry(t, id)).rejects.toThrow("out of order");
  await expectKept();
  // The mutation that retries throws.
  state.isFixed = true;
  const retryAndThrow = t.mutation(async (ctx) => {
    await client.retryOnComplete(ctx, workflow, id);
    throw new Error("after");
  });
  await expect(retryAndThrow).rejects.toThrow("after");
  await expectKept();
  calls.length = 0;
  await t.mutation((ctx) => manager.retryOnComplete(ctx, id));
  expect(calls).toEqual([ended]);
  expect(await effects(t)).toEqual(["called"]);
  expect(await listed(t)).toEqual([]);
  await expect(retry(t, id)).rejects.toThrow(
    /^Can't call onComplete again for ".*": expected an id/,
  );
  expect(calls).toHaveLength(1);
});

test("a retry works after the run was cleaned up, and passes a ConvexError's data", async () => {
  const t = newBackend();
  const { id, calls, state } = await failing(t, () =>
    Promise.reject(new ConvexError({ code: 7 })),
  );
  await cleanup(t, id);
  state.isFixed = true;
  const [failure] = await listed(t);
  await retry(t, failure!.id);
  expect(calls).toMatchObject([
    { workflowId: id, result: { kind: "failed", errorData: { code: 7 } } },
  ]);
});

test("a failure from 0.4 uses its run's onComplete, and is refused if the run was cleaned up", async () => {
  const t = newBackend();
  const { calls, state } = await failing(t);
  state.isFixed = true;
  const fnHandle = await t.run(() => createFunctionHandle(app.managed.onEnd));
  const old = await insertRun(t, { onComplete: { fnHandle, context: 1 } });
  const runResult = { kind: "canceled" as const };
  const insert = () =>
    inComponent(t, (ctx) =>
      ctx.db.insert("onCompleteFailures", {
        workflowId: old as never,
        generationNumber: 0,
        runResult,
        error: "old",
      }),
    );
  await retry(t, await insert());
  expect(calls).toEqual([{ workflowId: old, result: runResult, context: 1 }]);
  const again = await insert();
  await inComponent(t, (ctx) => ctx.db.delete("workflows", old as never));
  await expect(retry(t, again)).rejects.toThrow(/was cleaned up/);
  expect(await rows(t, "onCompleteFailures")).toHaveLength(2);
});

test("an unknown completion from the workpool is listed but can't be retried", async () => {
  const t = newBackend();
  const id = await inComponent(t, (ctx) =>
    ctx.db.insert("onCompleteFailures", {
      result: { kind: "success", returnValue: 1 },
      context: { odd: true },
    }),
  );
  expect(await listed(t)).toMatchObject([
    { id, canRetry: false, context: { odd: true } },
  ]);
  await expect(retry(t, id)).rejects.toMatchObject({
    data: { code: "INVALID_ARGUMENT" },
  });
});
