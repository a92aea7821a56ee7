import {
  RetryAfterError,
  vOnCompleteArgs,
  vWorkflowStatus,
  WorkflowManager,
} from "@convex-dev/workflow";
import {
  internalActionGeneric,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { api, components } from "../../flows/references.js";

// A run that fails with a ConvexError, and callbacks whose validators allow its data or don't.

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

// A busy service tells an action when to retry.

export const call = internalActionGeneric({
  args: { busyUntil: v.number() },
  handler: async (_ctx, { busyUntil }) => {
    if (Date.now() < busyUntil)
      throw new RetryAfterError("busy", { at: busyUntil });
    return "called";
  },
});

export const calls = workflow
  .define({
    args: { busyUntil: v.number(), retry: v.boolean() },
    returns: v.string(),
  })
  .handler(
    async (step, { busyUntil, retry }): Promise<string> =>
      await step.runAction(
        api.endings.call,
        { busyUntil },
        {
          retry: retry && { maxAttempts: 2, initialBackoffMs: 10, base: 1 },
        },
      ),
  );

export const startCalls = mutationGeneric({
  args: {
    busyForMs: v.number(),
    retry: v.boolean(),
    execution: v.union(v.literal("driver"), v.literal("pool")),
  },
  handler: async (ctx, { busyForMs, retry, execution }) =>
    await workflow.start(
      ctx,
      api.endings.calls,
      { busyUntil: Date.now() + busyForMs, retry },
      { onComplete: api.endings.ended, context: { key: "k" }, execution },
    ),
});

export const ended = workflow.defineOnComplete({
  context: v.object({ key: v.string() }),
  returnValue: v.string(),
  handler: async (ctx, { result, context }) => {
    await ctx.db.insert("effects", { value: [context.key, result.kind] });
  },
});

export const endedSomehow = internalMutationGeneric({
  args: vOnCompleteArgs(),
  handler: async (ctx, { result }) => {
    await ctx.db.insert("effects", { value: result });
  },
});

export const statusOf = queryGeneric({
  args: { id: v.string() },
  returns: vWorkflowStatus,
  handler: async (ctx, { id }) => await workflow.status(ctx, id),
});
