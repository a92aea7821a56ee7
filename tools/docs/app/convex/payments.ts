// Stands for a payment service, which is down the first two times that an order is charged.
import { NonRetryableError } from "@convex-dev/workflow";
import { ConvexError, v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalAction, internalMutation } from "./_generated/server.js";

export const charge = internalAction({
  args: { order: v.string(), amount: v.number() },
  returns: v.string(),
  handler: async (ctx, { order, amount }): Promise<string> => {
    const attempt = await ctx.runMutation(internal.payments.countAttempt, {
      order,
    });
    if (amount > 1000) throw new NonRetryableError("Card declined");
    if (attempt <= 2) throw new Error("Service is down");
    return `paid ${amount}, at attempt ${attempt}`;
  },
});

export const countAttempt = internalMutation({
  args: { order: v.string() },
  returns: v.number(),
  handler: async (ctx, { order }) => {
    const row = await ctx.db
      .query("charges")
      .withIndex("order", (q) => q.eq("order", order))
      .unique();
    const attempts = (row?.attempts ?? 0) + 1;
    if (row) await ctx.db.patch("charges", row._id, { attempts });
    else await ctx.db.insert("charges", { order, attempts });
    return attempts;
  },
});

/** Throws an error with data. */
export const reserve = internalMutation({
  args: { amount: v.number() },
  returns: v.string(),
  handler: async (_ctx, { amount }) => {
    if (amount > 100)
      throw new ConvexError({ code: "tooMuch" as const, limit: 100 });
    return `reserved ${amount}`;
  },
});
