import {
  createFunctionHandle,
  internalActionGeneric,
  internalMutationGeneric,
} from "convex/server";
import { v } from "convex/values";
import { api } from "./references.js";

export const echo = internalMutationGeneric({
  args: { value: v.any() },
  handler: async (ctx, { value }) => {
    await ctx.db.insert("effects", { value });
    return value as unknown;
  },
});

export const echoAction = internalActionGeneric({
  args: { value: v.any() },
  handler: (_ctx, { value }) => value as unknown,
});

export const fail = internalMutationGeneric({
  args: { value: v.any() },
  handler: () => {
    throw new Error("boom");
  },
});

export const handleOfEcho = internalMutationGeneric({
  args: {},
  handler: async () => await createFunctionHandle(api.steps.echo),
});

/** `onComplete` of a job in the app's own workpool. */
export const jobDone = internalMutationGeneric({
  args: { workId: v.string(), result: v.any(), context: v.any() },
  handler: async (ctx, { result, context }) => {
    await ctx.db.insert("effects", { value: [context, result.returnValue] });
    return null;
  },
});

/** `onComplete` of a run. */
export const runDone = internalMutationGeneric({
  args: { workflowId: v.string(), result: v.any(), context: v.any() },
  handler: async (ctx, { result, context }) => {
    await ctx.db.insert("effects", { value: [context, result.returnValue] });
    return null;
  },
});
