import {
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vResultValidator, vWorkflowId } from "../../client/index.js";

// Functions of which tests use only the types.

export const count = internalQueryGeneric({
  args: { of: v.string() },
  returns: v.number(),
  handler: async (_ctx, { of }) => of.length,
});

export const now = internalQueryGeneric({
  args: {},
  handler: async () => "today",
});

export const save = internalMutationGeneric({
  args: { text: v.string(), tag: v.optional(v.string()) },
  returns: v.id("texts"),
  handler: async (ctx, doc) => await ctx.db.insert("texts", doc),
});

export const fetchText = internalActionGeneric({
  args: { url: v.string() },
  returns: v.union(v.string(), v.null()),
  handler: async (_ctx, { url }) => (url ? url : null),
});

const ended = { workflowId: vWorkflowId, result: vResultValidator };

export const onComplete = internalMutationGeneric({
  args: { ...ended, context: v.object({ userId: v.string() }) },
  handler: async () => null,
});

export const onCompleteOfAnything = internalMutationGeneric({
  args: { ...ended, context: v.any() },
  handler: async () => null,
});

export const notOnComplete = internalMutationGeneric({
  args: { userId: v.string() },
  handler: async () => null,
});
