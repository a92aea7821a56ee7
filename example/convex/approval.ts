// A workflow that waits for a person, by awaiting an event with a timeout. While it waits, nothing
// runs. The mutation that inserts the expense also starts the run. When the run ends, `onComplete`
// writes its result into that row, also if you cancel the run.
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

/** The event's name and type, shared by the wait and the sender. */
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

/** Stands for a message to the person who decides. */
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

/** Sends the event. If you send it before the run waits for it, it is kept. */
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

/** Waits for a decision once more. The event's step has the event's name. */
export const restart = internalMutation({
  args: { workflowId: vWorkflowId },
  returns: v.null(),
  handler: async (ctx, { workflowId }) => {
    await workflow.restart(ctx, workflowId, { from: decision.name });
    return null;
  },
});

/** To withdraw the question, cancel the run. `ended` then gets the result `canceled`. */
export const { status, steps, list, cancel, cleanup } =
  manage("approval:approval");
