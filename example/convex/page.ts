// The functions that the page in `src` calls. They are public and take no account of who calls, because
// this example runs on your machine.
import {
  vWorkflowId,
  type RunStatus,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { mutation, query } from "./_generated/server.js";
import { workflow } from "./workflow.js";

/** How long a day takes on the page, so that you can watch an onboarding to its end. */
const DAY_MS = 10_000;

export const signUp = mutation({
  args: { name: v.string() },
  returns: vWorkflowId,
  handler: async (ctx, { name }): Promise<WorkflowId> =>
    await ctx.runMutation(internal.onboarding.start, { name, dayMs: DAY_MS }),
});

/** A new user's first days: what has happened, and what comes next. */
type Onboarding = {
  workflowId: WorkflowId;
  name: string;
  status: RunStatus;
  waitsFor: string[];
  mails: string[];
};

/** The last onboardings, newest first. A page that uses it is updated with every step. */
export const onboardings = query({
  args: {},
  handler: async (ctx): Promise<Onboarding[]> => {
    const { page } = await workflow.listByName(ctx, "onboarding:onboarding", {
      order: "desc",
      paginationOpts: { numItems: 10, cursor: null },
    });
    return await Promise.all(
      page.map(async ({ workflowId, status, args, blockedOn }) => {
        const { userId } = args as { userId: Id<"users"> };
        const user = await ctx.db.get("users", userId);
        const mails = await ctx.db
          .query("mails")
          .withIndex("userId", (q) => q.eq("userId", userId))
          .take(10);
        return {
          workflowId,
          status,
          name: user?.name ?? "?",
          waitsFor: blockedOn.map(({ name }) => name),
          mails: mails.map(({ subject }) => subject),
        };
      }),
    );
  },
});

export const verifyEmail = mutation({
  args: { workflowId: vWorkflowId, email: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await ctx.runMutation(internal.onboarding.verifyEmail, args);
    return null;
  },
});

export const submitExpense = mutation({
  args: { title: v.string() },
  returns: vWorkflowId,
  handler: async (ctx, { title }): Promise<WorkflowId> =>
    await ctx.runMutation(internal.approval.start, { title }),
});

export const expenses = query({
  args: {},
  handler: async (ctx) => {
    const { page } = await workflow.listByName(ctx, "approval:approval", {
      order: "desc",
      paginationOpts: { numItems: 10, cursor: null },
    });
    const found = page.map(async ({ workflowId, args }) => {
      const { expenseId } = args as { expenseId: Id<"expenses"> };
      const expense = await ctx.db.get("expenses", expenseId);
      return expense ? [{ workflowId, ...expense }] : [];
    });
    return (await Promise.all(found)).flat();
  },
});

export const decide = mutation({
  args: { workflowId: vWorkflowId, approved: v.boolean() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await ctx.runMutation(internal.approval.decide, args);
    return null;
  },
});
