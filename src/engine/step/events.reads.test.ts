import { v } from "convex/values";
import type { GenericMutationCtx, GenericDataModel } from "convex/server";
import { describe, expect, test } from "vitest";
import type { Id } from "../../component/_generated/dataModel.js";
import {
  components,
  inComponent,
  newBackend,
  startHandler,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { create, send } from "../../testing/events.js";
import {
  sendEvent,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// An event's lookup by name uses an index, so its cost doesn't depend on the run's other events.

useBackend();

const go = { name: "go", validator: v.string() };

/** What a transaction read. */
async function readsOf(
  t: Backend,
  work: (ctx: GenericMutationCtx<GenericDataModel>) => Promise<unknown>,
) {
  return await t.mutation(async (ctx) => {
    await work(ctx);
    const { documentsRead, databaseQueries } =
      await ctx.meta.getTransactionMetrics();
    return {
      documents: documentsRead.used,
      ranges: databaseQueries.used,
    };
  });
}

/** Gives the run 2,000 more events, of the name awaited and of others, in every state that doesn't answer. */
async function addEvents(t: Backend, workflowId: WorkflowId) {
  await inComponent(t, async (ctx) => {
    const step = await ctx.db.query("steps").first();
    const run = workflowId as unknown as Id<"workflows">;
    for (let n = 0; n < 500; n++) {
      await ctx.db.insert("events", {
        workflowId: run,
        name: "go",
        state: {
          kind: "consumed",
          waitingAt: n,
          sentAt: n,
          consumedAt: n,
          stepId: step!._id,
        },
      });
      await ctx.db.insert("events", {
        workflowId: run,
        name: `a${n}`,
        state: {
          kind: "sent",
          result: { kind: "success", returnValue: n },
          sentAt: n,
        },
      });
      await ctx.db.insert("events", {
        workflowId: run,
        name: n % 2 ? "g" : "goo",
        state: { kind: "created" },
      });
      await ctx.db.insert("events", {
        workflowId: run,
        name: `z${n}`,
        state: { kind: "waiting", waitingAt: n, stepId: step!._id },
        waiter: n,
      });
    }
  });
}

/** The reads of `work` on a run with few events and on one with many. */
async function measure(
  handler: (step: WorkflowCtx) => Promise<unknown>,
  work: (
    ctx: GenericMutationCtx<GenericDataModel>,
    workflowId: WorkflowId,
  ) => Promise<unknown>,
  prepare?: (t: Backend, workflowId: WorkflowId) => Promise<unknown>,
) {
  const reads = [];
  for (const many of [false, true]) {
    const t = newBackend({ transactionLimits: true });
    // A step, so that the added rows have one to name.
    const workflowId = await startHandler(t, async (step) => {
      void step.sleep(1e9);
      return await handler(step);
    });
    if (many) await addEvents(t, workflowId);
    await prepare?.(t, workflowId);
    reads.push(await readsOf(t, (ctx) => work(ctx, workflowId)));
  }
  return { few: reads[0]!, many: reads[1]! };
}

const sendGo = (
  ctx: GenericMutationCtx<GenericDataModel>,
  workflowId: WorkflowId,
) => sendEvent(ctx, components.workflow, { workflowId, ...go, value: "it" });

describe("with 2,000 more events in the run, as much is read", () => {
  const never = (step: WorkflowCtx) => step.awaitEvent({ name: "never" });

  test("to send one that nobody awaits", async () => {
    const { few, many } = await measure(never, sendGo);
    expect(many).toEqual(few);
    expect(few.documents).toBeLessThanOrEqual(2);
  });

  test("to send one that is awaited", async () => {
    const { few, many } = await measure((step) => step.awaitEvent(go), sendGo);
    expect(many).toEqual(few);
  });

  test("to send one to the oldest that was created", async () => {
    const { few, many } = await measure(never, sendGo, (t, workflowId) =>
      create(t, workflowId, "go"),
    );
    expect(many).toEqual(few);
  });

  // The turn reads its journal, which is the same in both.
  const turn = (
    ctx: GenericMutationCtx<GenericDataModel>,
    workflowId: WorkflowId,
  ) =>
    ctx.runMutation(workflows.workflow, {
      workflowId,
      generationNumber: 0,
    } as never);
  const awaitLater = async (step: WorkflowCtx) => {
    await step.awaitEvent({ name: "now" });
    await step.awaitEvent(go);
  };
  const wake = (t: Backend, workflowId: WorkflowId) =>
    send(t, { workflowId, name: "now" });

  test("to await one that is not there", async () => {
    const { few, many } = await measure(awaitLater, turn, wake);
    // One event of another name, to warn of it.
    expect(many).toEqual({ ...few, documents: few.documents + 1 });
  });

  test("to await one that is there", async () => {
    const { few, many } = await measure(awaitLater, turn, async (t, id) => {
      await send(t, { workflowId: id, ...go, value: "it" });
      await wake(t, id);
    });
    expect(many).toEqual(few);
  });

  test("to await one by its name while 500 of that name are kept", async () => {
    const sendMany = (count: number) => async (t: Backend, id: WorkflowId) => {
      for (let n = 0; n < count; n++)
        await send(t, { workflowId: id, ...go, value: `${n}` });
      await wake(t, id);
    };
    const few = await measure(awaitLater, turn, sendMany(1));
    const many = await measure(awaitLater, turn, sendMany(500));
    expect(many.few).toEqual(few.few);
  });
});
