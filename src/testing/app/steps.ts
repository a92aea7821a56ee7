import {
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { vResultValidator, vWorkflowId } from "../../client/index.js";
import { scripted } from "./scripts.js";

const call = { name: v.string(), input: v.optional(v.any()) };

export const query = internalQueryGeneric({
  args: call,
  handler: (ctx, { name, input }) => scripted("query", name)(ctx, input),
});

export const mutation = internalMutationGeneric({
  args: call,
  handler: (ctx, { name, input }) => scripted("mutation", name)(ctx, input),
});

export const action = internalActionGeneric({
  args: call,
  handler: (ctx, { name, input }) => scripted("action", name)(ctx, input),
});

/** Returns its argument, and records that it ran. */
export const echo = internalMutationGeneric({
  args: { value: v.any() },
  handler: async (ctx, { value }) => {
    await ctx.db.insert("effects", { key: "echo", value });
    return value as unknown;
  },
});

export const echoQuery = internalQueryGeneric({
  args: { value: v.any() },
  handler: (_ctx, { value }) => value as unknown,
});

export const echoAction = internalActionGeneric({
  args: { value: v.any() },
  handler: (_ctx, { value }) => value as unknown,
});

export const fail = internalMutationGeneric({
  args: { message: v.string() },
  handler: (_ctx, { message }) => {
    throw new Error(message);
  },
});

export const boom = internalMutationGeneric({
  args: { value: v.any() },
  handler: () => {
    throw new Error("boom");
  },
});

export const ended = internalMutationGeneric({
  args: { workflowId: vWorkflowId, result: vResultValidator, context: v.any() },
  handler: async (ctx, args) => {
    await ctx.db.insert("ended", args);
    return null;
  },
});

/** Like `ended`, with a validator that accepts every result. */
export const endedAnyhow = internalMutationGeneric({
  args: { workflowId: v.string(), result: v.any(), context: v.any() },
  handler: async (ctx, args) => {
    await ctx.db.insert("ended", args);
    return null;
  },
});

/** Like `ended`, with a validator from before results had `errorData`. */
export const endedWithoutData = internalMutationGeneric({
  args: {
    workflowId: v.string(),
    result: v.union(
      v.object({ kind: v.literal("success"), returnValue: v.any() }),
      v.object({ kind: v.literal("failed"), error: v.string() }),
      v.object({ kind: v.literal("canceled") }),
    ),
    context: v.any(),
  },
  handler: async (ctx, args) => {
    await ctx.db.insert("ended", args);
    if (args.context === "refuse")
      throw new Error("Validator error of its own");
    return null;
  },
});
