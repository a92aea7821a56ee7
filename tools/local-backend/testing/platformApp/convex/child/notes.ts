import {
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";

export const page = query({
  args: {},
  handler: async (ctx) =>
    await ctx.db.query("notes").paginate({ cursor: null, numItems: 1 }),
});

export const first = query({
  args: {},
  handler: async (ctx) => await ctx.db.query("notes").first(),
});

export const identity = query({
  args: {},
  handler: async (ctx) => await ctx.auth.getUserIdentity(),
});

export const environment = query({
  args: {},
  handler: async () => process.env.GREETING ?? null,
});

export const add = mutation({
  args: { text: v.string() },
  handler: async (ctx, { text }) => await ctx.db.insert("notes", { text }),
});

export const secret = internalMutation({
  args: {},
  handler: async () => "secret",
});
