// A subscription that may last for years. It sleeps for a month, renews, and sleeps again. While it
// sleeps, it costs nothing. A run's steps are all stored and replayed, so a run shouldn't grow forever.
// After a year, it starts the run that replaces it and ends.
//
//   npx convex run subscription:start '{ "customer": "Ada" }'
//   npx convex run subscription:stop '{ "subscriptionId": "<of the table>" }'
import {
  vWorkflowId,
  type RunMutationCtx,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { manage } from "./manage.js";
import { callService } from "./services.js";
import { workflow } from "./workflow.js";

const MONTH_MS = 30 * 24 * 60 * 60 * 1000;
const MONTHS_PER_RUN = 12;

export const subscription = workflow
  .define({
    args: {
      subscriptionId: v.id("subscriptions"),
      monthMs: v.number(),
      monthsPerRun: v.number(),
    },
    returns: v.object({
      renewals: v.number(),
      /** The run that continues the subscription. */
      continuedBy: v.optional(vWorkflowId),
    }),
  })
  .handler(async (step, args) => {
    const { subscriptionId, monthMs, monthsPerRun } = args;
    for (let renewals = 0; renewals < monthsPerRun; renewals++) {
      await step.sleep(monthMs, { name: "a month" });
      await step.runAction(
        internal.subscription.charge,
        { subscriptionId },
        { retry: true },
      );
      const goesOn = await step.runMutation(internal.subscription.renew, {
        subscriptionId,
      });
      if (!goesOn) return { renewals: renewals + 1 };
    }
    const continuedBy: WorkflowId = await step.runMutation(
      internal.subscription.continueInNewRun,
      args,
    );
    return { renewals: monthsPerRun, continuedBy };
  });

/** Stands for a payment service. */
export const charge = internalAction({
  args: { subscriptionId: v.id("subscriptions") },
  returns: v.null(),
  handler: async (ctx, { subscriptionId }) => {
    await callService(ctx, `charge ${subscriptionId}`, {});
    return null;
  },
});

/** Returns whether there will be another month. */
export const renew = internalMutation({
  args: { subscriptionId: v.id("subscriptions") },
  returns: v.boolean(),
  handler: async (ctx, { subscriptionId }) => {
    const row = await ctx.db.get("subscriptions", subscriptionId);
    if (row?.state !== "active") return false;
    const renewals = row.renewals + 1;
    const isLast = renewals === row.months;
    await ctx.db.patch("subscriptions", subscriptionId, {
      renewals,
      state: isLast ? "ended" : "active",
    });
    return !isLast;
  },
});

const vTerms = {
  subscriptionId: v.id("subscriptions"),
  monthMs: v.number(),
  monthsPerRun: v.number(),
};

export const continueInNewRun = internalMutation({
  args: vTerms,
  returns: vWorkflowId,
  handler: async (ctx, terms): Promise<WorkflowId> => {
    const workflowId = await startRun(ctx, terms);
    await ctx.db.patch("subscriptions", terms.subscriptionId, { workflowId });
    return workflowId;
  },
});

async function startRun(
  ctx: RunMutationCtx,
  terms: {
    subscriptionId: Id<"subscriptions">;
    monthMs: number;
    monthsPerRun: number;
  },
): Promise<WorkflowId> {
  return await workflow.start(ctx, internal.subscription.subscription, terms);
}

export const start = internalMutation({
  args: {
    customer: v.string(),
    /** Ends after this many months. Default: never. */
    months: v.optional(v.number()),
    /** How long a month is. Default: 30 days. */
    monthMs: v.optional(v.number()),
    /** Default: 12. */
    monthsPerRun: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, args): Promise<WorkflowId> => {
    const { customer, months, monthMs, monthsPerRun } = args;
    const subscriptionId = await ctx.db.insert("subscriptions", {
      ...{ customer, months },
      ...{ renewals: 0, state: "active" },
    });
    const workflowId = await startRun(ctx, {
      subscriptionId,
      monthMs: monthMs ?? MONTH_MS,
      monthsPerRun: monthsPerRun ?? MONTHS_PER_RUN,
    });
    await ctx.db.patch("subscriptions", subscriptionId, { workflowId });
    return workflowId;
  },
});

/** Ends a subscription at once, in the middle of a month. */
export const stop = internalMutation({
  args: { subscriptionId: v.id("subscriptions") },
  returns: v.null(),
  handler: async (ctx, { subscriptionId }) => {
    const row = await ctx.db.get("subscriptions", subscriptionId);
    if (row?.state !== "active" || !row.workflowId) return null;
    await workflow.cancel(ctx, row.workflowId);
    await ctx.db.patch("subscriptions", subscriptionId, { state: "ended" });
    return null;
  },
});

export const { status, steps, list, cancel, restart, cleanup } = manage(
  "subscription:subscription",
);
