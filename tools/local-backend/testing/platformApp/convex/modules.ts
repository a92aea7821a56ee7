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

/** Has a dynamic import, which isn't loaded with the module. */
export const importsLater = query({
  args: { imports: v.boolean() },
  handler: async (_ctx, { imports }) =>
    imports ? (await import("./later.js")).later : null,
});
