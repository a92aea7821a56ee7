import { createFunctionHandle } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  callInternal,
  cancel,
  counts,
  listenToConsole,
  startWithOnComplete,
} from "../../testing/managing.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
  inComponent,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { internal } from "../../component/_generated/api.js";
import { dieUncatchably } from "../../testing/dying.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { OnCompleteArgs, WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const LATER = 100_000;
const error = (matching: RegExp) => expect.stringMatching(matching) as string;

/** Removes the function of a run, as a deploy may. */
const removeFunction = (t: Backend, id: WorkflowId) =>
  inComponent(t, (ctx) =>
    ctx.db.patch("workflows", id as never, {
      workflowHandle: "function://;workflows:removed",
    }),
  );

describe("onComplete is called once for every way a run can end:", () => {
  async function expectEnding(t: Backend, workflowId: string, result: unknown) {
    await drain();
    expect(await endings(t)).toMatchObject([
      { workflowId, result, context: "mine" },
    ]);
    expect(await t.run((ctx) => ctx.db.query("ended").collect())).toHaveLength(
      1,
    );
  }
  const context = "mine";

  test("success, in the caller's transaction", async () => {
    const t = newBackend();
    const id = await startHandler(t, async () => 7, { context });
    await expectEnding(t, id, { kind: "success", returnValue: 7 });
  });

  test("success, after steps", async () => {
    const t = newBackend();
    const id = await startHandler(
      t,
      (step) => step.runAction(steps.echoAction, { value: { a: 1n } }),
      { context },
    );
    await expectEnding(t, id, { kind: "success", returnValue: { a: 1n } });
  });

  test("success without a return value", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(10), { context });
    await expectEnding(t, id, { kind: "success", returnValue: null });
  });

  test("failure of the handler", async () => {
    const t = newBackend();
    const id = await startHandler(
      t,
      (step) => step.runMutation(steps.fail, { message: "no" }),
      { context },
    );
    await expectEnding(t, id, { kind: "failed", error: "no" });
  });

  test("cancellation", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LATER), { context });
    await cancel(t, id);
    await expectEnding(t, id, { kind: "canceled" });
  });

  test("a handler that was removed while the run waited", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(10), { context });
    await removeFunction(t, id);
    const failed = { kind: "failed", error: error(/removed/) };
    await expectEnding(t, id, failed);
    expect(await statusOf(t, id)).toEqual({
      type: "failed",
      error: failed.error,
    });
  });

  test("a handler that was never there", async () => {
    const t = newBackend();
    const id = await t.mutation(async (ctx) => {
      const fnHandle = await createFunctionHandle(steps.ended);
      return await ctx.runMutation(components.workflow.workflow.create, {
        workflowName: "gone:workflow",
        workflowHandle: "function://;gone:workflow",
        workflowArgs: {},
        startAsync: true,
        onComplete: { fnHandle, context },
      });
    });
    await expectEnding(t, id, { kind: "failed", error: error(/gone/) });
  });

  test("a handler that can't be replayed any more", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(10), { context });
    script("handler", "main", (step) =>
      step.runMutation(steps.echo, { value: 1 }),
    );
    await expectEnding(t, id, {
      kind: "failed",
      error: error(/Determinism violation/),
    });
  });

  test("a handler that waits for something that can never happen", async () => {
    const t = newBackend();
    const id = await startHandler(t, () => new Promise(() => undefined), {
      context,
    });
    await expectEnding(t, id, { kind: "failed", error: error(/never go on/) });
  });

  test("a return value that its validator refuses, and one that can't be stored", async () => {
    const t = newBackend();
    const id = await startHandler(t, async () => "x".repeat(2 << 20), {
      context,
    });
    await expectEnding(t, id, { kind: "failed", error: error(/too large/) });
  });

  test("the end of a parent doesn't call it for nested runs, which have none", async () => {
    const t = newBackend();
    script("handler", "child", async () => 1);
    const id = await startHandler(
      t,
      (step) => step.runWorkflow(workflows.workflow, { handler: "child" }),
      { context },
    );
    await expectEnding(t, id, { kind: "success", returnValue: 1 });
  });
});

describe("onComplete is called in the transaction that ends the run,", () => {
  test("after its result is written: it sees the final status", async () => {
    const outcomes: Record<string, () => Promise<unknown>> = {
      completed: async () => 1,
      failed: () => Promise.reject(new Error("no")),
    };
    for (const [type, handler] of Object.entries(outcomes)) {
      const t = newBackend();
      const seen: string[] = [];
      await startWithOnComplete(t, handler, async (ctx, { workflowId }) => {
        const { workflow } = components;
        seen.push((await client.getStatus(ctx, workflow, workflowId)).type);
      });
      expect(seen).toEqual([type]);
    }
  });

  test("and commits with it: nobody sees one without the other", async () => {
    const t = newBackend();
    const id = await startWithOnComplete(
      t,
      (step) => step.sleep(10),
      async (ctx, { workflowId }) => {
        await ctx.db.insert("effects", { key: "end", value: workflowId });
      },
    );
    expect(await effects(t)).toEqual([]);
    await drain();
    expect(await effects(t)).toEqual([id]);
    await t.mutation(async (ctx) => {
      const row = (await ctx.db.query("effects").first())!;
      await ctx.db.delete("effects", row._id);
    });
    // The caller's transaction that ended it fails: it is not ended, and nobody was told.
    const other = await startHandler(t, (step) => step.sleep(LATER), {
      name: "other",
      context: 1,
    });
    await t
      .mutation(async (ctx) => {
        await client.cancel(ctx, components.workflow, other);
        throw new Error("changed my mind");
      })
      .catch(() => undefined);
    expect(await endings(t)).toEqual([]);
    expect(await statusOf(t, other)).toMatchObject({ type: "inProgress" });
  });

  test("with arguments of its own types", async () => {
    const t = newBackend();
    const seen: OnCompleteArgs[] = [];
    const id = await startWithOnComplete(
      t,
      async () => [1],
      (_ctx, args) => void seen.push(args),
    );
    expect(seen).toEqual([
      {
        workflowId: id,
        result: { kind: "success", returnValue: [1] },
        context: "its own",
      },
    ]);
  });

  test("and may start, send to and cancel other runs", async () => {
    const t = newBackend();
    const other = await startHandler(t, (step) => step.sleep(LATER), {
      name: "other",
    });
    script("handler", "next", async () => "next");
    await startWithOnComplete(
      t,
      async () => 1,
      async (ctx) => {
        await client.cancel(ctx, components.workflow, other);
        await client.start(ctx, workflows.workflow, { handler: "next" });
      },
    );
    await drain();
    expect(await statusOf(t, other)).toEqual({ type: "canceled" });
    expect(await counts(t)).toMatchObject({ workflows: 3 });
  });
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
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
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

  test("cancel still succeeds", async () => {
    const t = newBackend();
    const id = await throwing(t, (step) => step.sleep(LATER));
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect(await counts(t)).toMatchObject({ onCompleteFailures: 1 });
  });

  test("start still succeeds", async () => {
    const t = newBackend();
    const id = await throwing(t, async () => 1);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("a function that is gone is kept too", async () => {
    const t = newBackend();
    const id = await t
      .mutation((ctx) =>
        ctx.runMutation(
          workflows.workflow as never,
          {
            args: { handler: "main" },
            onComplete: "function://;gone:ended",
            context: 1,
          } as never,
        ),
      )
      .catch((thrown: Error) => thrown.message);
    // No script: the handler throws, and the run fails.
    expect(await statusOf(t, id as WorkflowId)).toMatchObject({
      type: "failed",
    });
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workflowId: id, error: error(/gone/) },
    ]);
  });

  test("a long error beside a large result is cut to fit", async () => {
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
    expect((kept as { error: string }).error.length).toBeLessThan(5000);
  });

  test("one that uses up the transaction is kept, and the run ends", async () => {
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
      (step) =>
        Promise.all(Array.from({ length: 300 }, () => step.sleep(LATER))),
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
        return dieUncatchably();
      },
    );
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2 * LATER);
    expect(calls).toBe(2);
    expect(await statusOf(t, id)).toEqual({
      type: "failed",
      error: error(/turn of workflow .* died/),
    });
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workflowId: id, error: error(/died/) },
    ]);
  });

  test("if it does so once, it is called again, and its writes commit once", async () => {
    const t = newBackend();
    let calls = 0;
    const id = await startWithOnComplete(
      t,
      (step) => step.sleep(10),
      async (ctx, { result }) => {
        await ctx.db.insert("effects", { key: "end", value: result.kind });
        if (calls++ === 0) await dieUncatchably();
      },
    );
    await advance(2 * LATER);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await effects(t)).toEqual(["failed"]);
    expect(await rows(t, "onCompleteFailures")).toEqual([]);
  });

  test("the check that ends the run does nothing to a run that has ended or continued otherwise", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, (step) => step.sleep(10), {
      context: 1,
    });
    const before = await everyRow(t);
    for (const generationNumber of [-1, 0, 1])
      await callInternal(t, internal.turns.look, {
        watched: {
          workflowId: workflowId as never,
          generationNumber,
          result: { kind: "failed", error: "stale" },
        },
        jobId: "unknown",
        seen: { state: "pending", forMs: 0 },
      });
    expect(await everyRow(t)).toEqual(before);
  });
});
