import { WorkflowManager } from "@convex-dev/workflow";
import { internalMutationGeneric, mutationGeneric } from "convex/server";
import { ConvexError, v } from "convex/values";
import { api, components } from "../../flows/references.js";

// A run that fails of a ConvexError, and callbacks that allow its data or know none.

const workflow = new WorkflowManager(components.workflow);

export const outOfStock = workflow.define({ args: {} }).handler(async () => {
  throw new ConvexError({ code: "NO_STOCK" });
});

export const start = mutationGeneric({
  args: { onComplete: v.string() },
  handler: async (ctx, { onComplete }) =>
    await workflow.start(
      ctx,
      api.endings.outOfStock,
      {},
      { onComplete: api.endings[onComplete], context: onComplete },
    ),
});

export const allowsData = internalMutationGeneric({
  args: { workflowId: v.string(), result: v.any(), context: v.any() },
  handler: async (ctx, { result }) => {
    await ctx.db.insert("effects", { value: result.errorData });
    return null;
  },
});

export const knowsNoData = internalMutationGeneric({
  args: {
    workflowId: v.string(),
    result: v.union(
      v.object({ kind: v.literal("success"), returnValue: v.any() }),
      v.object({ kind: v.literal("failed"), error: v.string() }),
    ),
    context: v.any(),
  },
  handler: async (ctx, { result }) => {
    await ctx.db.insert("effects", { value: Object.keys(result).sort() });
    return null;
  },
});
