/** Functions that others call in order to load this module. */
import { queryGeneric as query } from "convex/server";
import { v } from "convex/values";

export const nothing = query({ args: {}, handler: async () => null });

export const readsOnce = query({
  args: {},
  handler: async (ctx) => {
    await ctx.db.query("rows").first();
    return "read";
  },
});

/** What it would import only if it were called so is not loaded with it. */
export const importsLater = query({
  args: { imports: v.boolean() },
  handler: async (_ctx, { imports }) =>
    imports ? (await import("./later.js")).later : null,
});
