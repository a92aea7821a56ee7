/** Functions with which tests manage runs. */
import { start as startRun, type WorkflowId } from "@convex-dev/workflow";
import {
  internalMutationGeneric as internalMutation,
  type GenericDataModel,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import { workflow } from "./manager.js";
import { api } from "./references.js";

const ofRun = { workflowId: v.string() };

export const start = internalMutation({
  args: { program: v.string(), run: v.string(), startAsync: v.boolean() },
  handler: async (ctx, { program, run, startAsync }) =>
    (await startRun(
      ctx,
      api.programs[program],
      { run },
      { startAsync, onComplete: api.steps.ended, context: run },
    )) as string,
});

/** Like `start`, with arguments for any program. */
export const startWith = internalMutation({
  args: { program: v.string(), args: v.any() },
  handler: async (ctx, { program, args }) =>
    (await startRun(ctx, api.programs[program], args, {
      onComplete: api.steps.ended,
      context: args.run,
    })) as string,
});

/** Schedules a function of the app itself. */
export const schedule = internalMutation({
  args: { run: v.string(), key: v.string(), ms: v.number() },
  handler: async (ctx, { ms, ...step }) => {
    await ctx.scheduler.runAfter(ms, api.steps.write, step);
  },
});

export const send = internalMutation({
  args: { ...ofRun, name: v.string() },
  handler: async (ctx, { workflowId, name }) => {
    await workflow.sendEvent(ctx, {
      workflowId: workflowId,
      name,
      value: `sent ${name}`,
    });
  },
});

export const cancel = internalMutation({
  args: ofRun,
  handler: async (ctx, { workflowId }) => {
    await workflow.cancel(ctx, workflowId);
  },
});

export const restart = internalMutation({
  args: { ...ofRun, run: v.string() },
  handler: async (ctx, { workflowId, run }) => {
    await forget(ctx, run);
    await workflow.restart(ctx, workflowId, { from: 0 });
  },
});

/** Cancels and restarts a run in one transaction. */
export const cancelAndRestart = internalMutation({
  args: { ...ofRun, run: v.string() },
  handler: async (ctx, { workflowId, run }) => {
    await workflow.cancel(ctx, workflowId);
    await forget(ctx, run);
    await workflow.restart(ctx, workflowId, { from: 0 });
  },
});

/**
 * Discards the effects of a run and its children so far. Actions issued before a restart don't count
 * either, because nothing can stop them.
 */
async function forget(ctx: GenericMutationCtx<GenericDataModel>, run: string) {
  await ctx.db.insert("restarts", { run, at: Date.now() });
  for (const table of ["effects", "attempts", "endings"]) {
    const rows = await ctx.db
      .query(table)
      // A child's name is its parent's name, a slash and more.
      .withIndex("run", (q) => q.gte("run", run).lt("run", `${run}0`))
      .collect();
    for (const { _id } of rows) await ctx.db.delete(table, _id as never);
  }
}

export const cleanup = internalMutation({
  args: ofRun,
  handler: async (ctx, { workflowId }) =>
    await workflow.cleanup(ctx, workflowId as WorkflowId),
});
