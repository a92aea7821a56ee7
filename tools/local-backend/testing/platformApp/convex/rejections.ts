/** Promises that are rejected before anything handles them. */
import {
  actionGeneric as action,
  mutationGeneric as mutation,
} from "convex/server";
import { v } from "convex/values";
import { api } from "./references.js";

async function fails(hops: number) {
  for (let n = 0; n < hops; n++) await Promise.resolve();
  throw new Error("rejected");
}

/** The promise is handled once `calls` host calls were made. */
export const handledLater = mutation({
  args: { calls: v.number(), hops: v.number() },
  handler: async (ctx, { calls, hops }) => {
    const branch = fails(hops);
    for (let n = 0; n < calls; n++)
      await ctx.db.insert("rows", { key: `row ${n}`, value: null });
    // This is still before the code pauses.
    for (let n = 0; n < 2 * hops; n++) await Promise.resolve();
    return await branch.catch(() => "handled");
  },
});

export const forgotten = mutation({
  args: {},
  handler: () => {
    void fails(0);
    return "returned";
  },
});

export const catchesNested = mutation({
  args: {},
  handler: async (ctx) => {
    const args = { calls: 1, hops: 1 };
    await ctx.db.insert("rows", { key: "kept", value: null });
    return await ctx
      .runMutation(api.rejections.handledLater, args)
      .catch((error: Error) => error.message);
  },
});

export const actionHandlesLater = action({
  args: {},
  handler: async (ctx) => {
    const branch = fails(0);
    await ctx.runMutation(api.transactions.add, { key: "row" });
    return await branch.catch(() => "handled");
  },
});
