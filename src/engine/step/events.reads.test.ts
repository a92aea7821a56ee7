import { v } from "convex/values";
import type { GenericMutationCtx, GenericDataModel } from "convex/server";
import { expect, test } from "vitest";
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

type Ctx = GenericMutationCtx<GenericDataModel>;

// An event's lookup by name uses an index, so its cost doesn't depend on the run's other events.

useBackend();

const go = { name: "go", validator: v.string() };

/** Gives the run 2,000 more events, with the awaited name and others, in every state that doesn't end the wait. */
async function addEvents(t: Backend, workflowId: WorkflowId) {
  await inComponent(t, async (ctx) => {
    const step = await ctx.db.query("steps").first();
    const run = workflowId as unknown as Id<"workflows">;
    const stepId = step!._id;
    const result = { kind: "success" as const, returnValue: 1 };
    for (let n = 0; n < 500; n++) {
      const at = { waitingAt: n, sentAt: n, consumedAt: n };
      const events = [
        { name: "go", state: { kind: "consumed" as const, stepId, ...at } },
        { name: `a${n}`, state: { kind: "sent" as const, result, sentAt: n } },
        { name: n % 2 ? "g" : "goo", state: { kind: "created" as const } },
        {
          name: `z${n}`,
          state: { kind: "waiting" as const, waitingAt: n, stepId },
          waiter: n,
        },
      ];
      for (const event of events)
        await ctx.db.insert("events", { workflowId: run, ...event });
    }
  });
}

type Work = (ctx: Ctx, workflowId: WorkflowId) => Promise<unknown>;
type Prepare = (t: Backend, workflowId: WorkflowId) => Promise<unknown>;

/** Returns the reads of `work` in a run with few or many events. */
async function readsOf(
  many: boolean,
  handler: (step: WorkflowCtx) => Promise<unknown>,
  work: Work,
  prepare?: Prepare,
) {
  const t = newBackend({ transactionLimits: true });
  // The added rows refer to this step.
  const workflowId = await startHandler(t, async (step) => {
    void step.sleep(1e9);
    return await handler(step);
  });
  if (many) await addEvents(t, workflowId);
  await prepare?.(t, workflowId);
  return await t.mutation(async (ctx) => {
    await work(ctx, workflowId);
    const metrics = await ctx.meta.getTransactionMetrics();
    return {
      documents: metrics.documentsRead.used,
      ranges: metrics.databaseQueries.used,
    };
  });
}

const never = (step: WorkflowCtx) => step.awaitEvent({ name: "never" });
const awaitLater = async (step: WorkflowCtx) => {
  await step.awaitEvent({ name: "now" });
  await step.awaitEvent(go);
};

const sendGo: Work = (ctx, workflowId) =>
  sendEvent(ctx, components.workflow, { workflowId, ...go, value: "it" });
/** The turn reads its journal, which doesn't depend on the number of events. */
const turn: Work = (ctx, workflowId) =>
  ctx.runMutation(workflows.workflow, {
    workflowId,
    generationNumber: 0,
  } as never);

/** Sends "go" `count` times, then the event that the run awaits first. */
const sendMany =
  (count: number): Prepare =>
  async (t, workflowId) => {
    for (let n = 0; n < count; n++)
      await send(t, { workflowId, ...go, value: `${n}` });
    await send(t, { workflowId, name: "now" });
  };

type Scene = [(step: WorkflowCtx) => Promise<unknown>, Work, Prepare?];

test.each<[string, Scene, number?]>([
  ["send one that nobody awaits", [never, sendGo]],
  ["send one that is awaited", [(step) => step.awaitEvent(go), sendGo]],
  [
    "send one to the oldest that was created",
    [never, sendGo, (t, workflowId) => create(t, workflowId, "go")],
  ],
  // One read of an event with another name, for the warning.
  ["await one that is not there", [awaitLater, turn, sendMany(0)], 1],
  ["await one that is there", [awaitLater, turn, sendMany(1)]],
])(
  "2,000 more events in the run don't increase the reads to %s",
  async (_what, scene, more = 0) => {
    const few = await readsOf(false, ...scene);
    const many = await readsOf(true, ...scene);
    expect(many).toEqual({ ...few, documents: few.documents + more });
    if (scene[0] === never && !scene[2])
      expect(few.documents).toBeLessThanOrEqual(2);
  },
);

test("500 kept events with one name don't increase the reads to await one", async () => {
  const reads = (count: number) =>
    readsOf(false, awaitLater, turn, sendMany(count));
  expect(await reads(500)).toEqual(await reads(1));
});
