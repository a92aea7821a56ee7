// A workflow that waits for a person: an event, awaited with a timeout. While it waits, nothing
// runs. It is started together with the row it is about, and `onComplete` writes into that row how
// the run ended, also when it was canceled.
//
//   npx convex run approval:start '{ "title": "A new chair" }'
//   npx convex run approval:decide '{ "workflowId": "<the id that printed>", "approved": true }'
import {
  defineEvent,
  TimeoutError,
  vResultValidator,
  vWorkflowId,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { workflow } from "./workflow.js";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Named and typed in one place, for the side that waits and the side that sends. */
const decision = defineEvent({
  name: "decision",
  validator: v.object({ approved: v.boolean() }),
});

const vOutcome = v.union(
  v.literal("approved"),
  v.literal("rejected"),
  v.literal("expired"),
);
type Outcome = Infer<typeof vOutcome>;

export const approval = workflow
  .define({
    args: { expenseId: v.id("expenses"), timeoutMs: v.number() },
    returns: vOutcome,
  })
  .handler(async (step, { expenseId, timeoutMs }): Promise<Outcome> => {
    await step.runMutation(internal.approval.ask, { expenseId });
    try {
      const { approved } = await step.awaitEvent({
        ...decision,
        timeout: timeoutMs,
      });
      return approved ? "approved" : "rejected";
    } catch (error) {
      if (error instanceof TimeoutError) return "expired";
      throw error;
    }
  });

/** Stands for a message to whoever has to decide. */
export const ask = internalMutation({
  args: { expenseId: v.id("expenses") },
  returns: v.null(),
  handler: async (ctx, { expenseId }) => {
    await ctx.db.patch("expenses", expenseId, { state: "waiting" });
    return null;
  },
});

/** Called once, in the transaction that ends the run. */
export const ended = internalMutation({
  args: {
    workflowId: vWorkflowId,
    result: vResultValidator,
    context: v.object({ expenseId: v.id("expenses") }),
  },
  returns: v.null(),
  handler: async (ctx, { result, context }) => {
    const state =
      result.kind === "success" ? (result.returnValue as Outcome) : "withdrawn";
    await ctx.db.patch("expenses", context.expenseId, { state });
    return null;
  },
});

export const start = internalMutation({
  args: {
    title: v.string(),
    /** Default: a day. */
    timeoutMs: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, args): Promise<WorkflowId> => {
    const { title, timeoutMs = DAY_MS } = args;
    const expenseId = await ctx.db.insert("expenses", {
      title,
      state: "submitted",
    });
    return await workflow.start(
      ctx,
      internal.approval.approval,
      { expenseId, timeoutMs },
      { onComplete: internal.approval.ended, context: { expenseId } },
    );
  },
});

/** Sends the event. It may come before the run waits for it: it is kept. */
export const decide = internalMutation({
  args: { workflowId: vWorkflowId, approved: v.boolean() },
  returns: v.null(),
  handler: async (ctx, { workflowId, approved }) => {
    await workflow.sendEvent(ctx, {
      ...decision,
      workflowId,
      value: { approved },
    });
    return null;
  },
});

/** Waits for a decision once more: the step of the event is named after it. */
export const restart = internalMutation({
  args: { workflowId: vWorkflowId },
  returns: v.null(),
  handler: async (ctx, { workflowId }) => {
    await workflow.restart(ctx, workflowId, { from: decision.name });
    return null;
  },
});

/** To withdraw the question, cancel the run: `ended` is told that it was canceled. */
export const { status, steps, list, cancel, cleanup } =
  manage("approval:approval");
