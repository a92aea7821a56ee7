import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { manager } from "../../testing/app/workflows.js";
import {
  cleanup,
  insertRun,
  listenToConsole,
  startWithOnComplete,
} from "../../testing/managing.js";
import { internal } from "../../testing/app/_generated/api.js";
import {
  components,
  drain,
  effects,
  inComponent,
  newBackend,
  rows,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import {
  listOnCompleteFailures,
  retryOnComplete,
  type OnCompleteArgs,
} from "../../client/index.js";
import { createFunctionHandle } from "convex/server";

useBackend();
listenToConsole();

const { workflow } = components;
const listed = async (t: Backend) =>
  (await t.query((ctx) => listOnCompleteFailures(ctx, workflow))).page;
const retry = (t: Backend, id: string) =>
  t.mutation((ctx) => retryOnComplete(ctx, workflow, id));

/** A run whose `onComplete` throws until it is mended. */
async function failing(
  t: Backend,
  end: () => Promise<unknown> = async () => 7,
) {
  const calls: OnCompleteArgs[] = [];
  const state = { isMended: false };
  const id = await startWithOnComplete(t, end, async (ctx, args) => {
    await ctx.db.insert("effects" as never, { key: "onEnd", value: "called" });
    if (!state.isMended) throw new Error("out of order");
    calls.push(args);
  });
  await drain();
  return { id, calls, state };
}

test("an onComplete that threw is listed with its run, result, context and error, and is called again with the same", async () => {
  const t = newBackend();
  const { id, calls, state } = await failing(t);
  const [failure, ...others] = await listed(t);
  expect(others).toEqual([]);
  expect(failure).toEqual({
    id: expect.any(String) as string,
    failedAt: expect.any(Number) as number,
    error: expect.stringContaining("out of order") as string,
    workflowId: id,
    result: { kind: "success", returnValue: 7 },
    context: "its own",
    canRetry: true,
  });
  state.isMended = true;
  await retry(t, failure!.id);
  expect(calls).toEqual([
    {
      workflowId: id,
      result: { kind: "success", returnValue: 7 },
      context: "its own",
    },
  ]);
  expect(await effects(t)).toEqual(["called"]);
  expect(await listed(t)).toEqual([]);
});

test("a retry that throws says why and leaves the failure; one that succeeded can't be repeated", async () => {
  const t = newBackend();
  const { calls, state } = await failing(t);
  const [{ id } = { id: "" }] = await listed(t);
  await expect(retry(t, id)).rejects.toThrow("out of order");
  expect(await effects(t)).toEqual([]);
  expect(await listed(t)).toMatchObject([{ id }]);
  state.isMended = true;
  await t.mutation((ctx) => manager.retryOnComplete(ctx, id));
  await expect(retry(t, id)).rejects.toThrow(
    /^Can't call onComplete again for ".*": expected an id/,
  );
  expect(calls).toHaveLength(1);
});

test("a mutation that retries and then throws has not called onComplete, and the failure stays", async () => {
  const t = newBackend();
  const { state } = await failing(t);
  const [{ id } = { id: "" }] = await listed(t);
  state.isMended = true;
  await expect(
    t.mutation(async (ctx) => {
      await retryOnComplete(ctx, workflow, id);
      throw new Error("after");
    }),
  ).rejects.toThrow("after");
  expect(await effects(t)).toEqual([]);
  expect(await listed(t)).toMatchObject([{ id }]);
});

test("a retry works when the run was cleaned up, and brings a ConvexError's data", async () => {
  const t = newBackend();
  const { id, calls, state } = await failing(t, () =>
    Promise.reject(new ConvexError({ code: 7 })),
  );
  await cleanup(t, id);
  state.isMended = true;
  const [failure] = await listed(t);
  await retry(t, failure!.id);
  expect(calls).toMatchObject([
    { workflowId: id, result: { kind: "failed", errorData: { code: 7 } } },
  ]);
});

test("a failure that 0.4 kept takes onComplete from its run, and is refused if that was cleaned up", async () => {
  const t = newBackend();
  const { calls, state } = await failing(t);
  state.isMended = true;
  const fnHandle = await t.run(() =>
    createFunctionHandle(internal.managed.onEnd),
  );
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

test("a completion of the workpool that nothing understands is listed, and can't be retried", async () => {
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
