import {
  actionGeneric as action,
  anyApi,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { v } from "convex/values";

const { notes } = anyApi as any;

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

export const schedules = action({
  args: {},
  handler: async (ctx) => {
    const text = "by a component";
    await ctx.scheduler.runAfter(0, notes.add, { text });
    await ctx.runMutation(notes.addLater, { text });
  },
});

export const addLater = mutation({
  args: { text: v.string() },
  handler: async (ctx, args) => {
    await ctx.scheduler.runAfter(0, notes.add, args);
  },
});
