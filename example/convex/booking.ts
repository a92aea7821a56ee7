// Several reservations at independent companies, all or none. No transaction spans them, so if one is
// sold out or nobody pays in time (`awaitEvent` with a timeout), `catch` undoes the others in reverse
// order. A canceled run executes no `catch`, so `onComplete` undoes its reservations, and so it does if
// the run exceeds its deadline. The order's number is the run's key, so you can't book an order twice.
//
//   npx convex run booking:start '{ "order": "A1", "items": ["flight", "hotel", "car"] }'
//   npx convex run booking:pay '{ "workflowId": "<the id that printed>" }'
//   npx convex run booking:start '{ "items": ["flight", "hotel", "car"], "soldOut": "car" }'
import {
  NonRetryableError,
  TimeoutError,
  vResultValidator,
  vWorkflowId,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { workflow } from "./workflow.js";

const QUARTER_HOUR_MS = 15 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

const vOutcome = v.union(
  v.object({ booked: v.literal(true) }),
  v.object({ booked: v.literal(false), why: v.string() }),
);
type Outcome = Infer<typeof vOutcome>;

/** An event without a value. */
const paid = { name: "paid" };

export const booking = workflow
  .define({
    args: {
      items: v.array(v.string()),
      soldOut: v.optional(v.string()),
      payWithinMs: v.number(),
    },
    returns: vOutcome,
    workpoolOptions: { retryActionsByDefault: true },
    timeout: DAY_MS,
  })
  .handler(async (step, { items, soldOut, payWithinMs }): Promise<Outcome> => {
    const { workflowId } = step;
    const undo: (() => Promise<null>)[] = [];
    try {
      for (const item of items) {
        const reservationId = await step.runAction(
          internal.booking.reserve,
          { workflowId, item, isSoldOut: item === soldOut },
          { name: `reserve ${item}` },
        );
        undo.push(() =>
          step.runAction(
            internal.booking.release,
            { reservationId },
            { name: `release ${item}` },
          ),
        );
      }
      await step.awaitEvent({ ...paid, timeout: payWithinMs });
      return { booked: true };
    } catch (error) {
      for (const release of undo.reverse()) await release();
      return { booked: false, why: reasonOf(error) };
    }
  });

function reasonOf(error: unknown): string {
  if (error instanceof TimeoutError) return "Not paid in time";
  return error instanceof Error ? error.message : String(error);
}

/** Stands for a company's booking service. */
export const reserve = internalAction({
  args: {
    workflowId: vWorkflowId,
    item: v.string(),
    isSoldOut: v.boolean(),
  },
  returns: v.id("reservations"),
  handler: async (
    ctx,
    { workflowId, item, isSoldOut },
  ): Promise<Id<"reservations">> => {
    if (isSoldOut) throw new NonRetryableError(`No ${item} is left`);
    return await ctx.runMutation(internal.booking.hold, { workflowId, item });
  },
});

/** Stands for the same service. You can call it twice. */
export const release = internalAction({
  args: { reservationId: v.id("reservations") },
  returns: v.null(),
  handler: async (ctx, { reservationId }): Promise<null> =>
    await ctx.runMutation(internal.booking.drop, { reservationId }),
});

export const hold = internalMutation({
  args: { workflowId: vWorkflowId, item: v.string() },
  returns: v.id("reservations"),
  handler: async (ctx, { workflowId, item }) =>
    await ctx.db.insert("reservations", { workflowId, item, state: "held" }),
});

export const drop = internalMutation({
  args: { reservationId: v.id("reservations") },
  returns: v.null(),
  handler: async (ctx, { reservationId }) => {
    await ctx.db.patch("reservations", reservationId, { state: "released" });
    return null;
  },
});

/** Called once, in the transaction that ends the run. */
export const ended = internalMutation({
  args: {
    workflowId: vWorkflowId,
    result: vResultValidator,
    context: v.null(),
  },
  returns: v.null(),
  handler: async (ctx, { workflowId, result }) => {
    if (result.kind === "success") return null;
    const reservations = ctx.db
      .query("reservations")
      .withIndex("workflowId", (q) =>
        q.eq("workflowId", workflowId).eq("state", "held"),
      );
    for await (const { _id } of reservations)
      await ctx.scheduler.runAfter(0, internal.booking.release, {
        reservationId: _id,
      });
    return null;
  },
});

export const start = internalMutation({
  args: {
    /** If its booking is in progress, you get that run's id. Default: a booking of its own. */
    order: v.optional(v.string()),
    items: v.array(v.string()),
    /** The item that isn't available. */
    soldOut: v.optional(v.string()),
    /** Default: a quarter of an hour. */
    payWithinMs: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, { order, ...args }): Promise<WorkflowId> =>
    await workflow.start(
      ctx,
      internal.booking.booking,
      { ...args, payWithinMs: args.payWithinMs ?? QUARTER_HOUR_MS },
      { onComplete: internal.booking.ended, context: null, key: order },
    ),
});

export const pay = internalMutation({
  args: { workflowId: vWorkflowId },
  returns: v.null(),
  handler: async (ctx, { workflowId }) => {
    // If you pay too late, you get an error instead of waiting.
    await workflow.sendEvent(ctx, { ...paid, workflowId, strict: true });
    return null;
  },
});

export const { status, steps, list, cancel, restart, cleanup } =
  manage("booking:booking");
