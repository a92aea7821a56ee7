/** What tests do with runs. */
import { start as startRun, WorkflowManager } from "@convex-dev/workflow";
import type { WorkflowId } from "@convex-dev/workflow";
import { internalMutationGeneric as internalMutation } from "convex/server";
import { v } from "convex/values";
import { api, component } from "./references.js";

const workflow = new WorkflowManager(component);
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

export const send = internalMutation({
  args: { ...ofRun, name: v.string() },
  handler: async (ctx, { workflowId, name }) => {
    await workflow.sendEvent(ctx, {
      workflowId: workflowId as WorkflowId,
      name,
      value: `sent ${name}`,
    });
  },
});

export const cancel = internalMutation({
  args: ofRun,
  handler: async (ctx, { workflowId }) => {
    await workflow.cancel(ctx, workflowId as WorkflowId);
  },
});

/** From the beginning: what its steps did before is forgotten, so that what they do now can be counted. */
export const restart = internalMutation({
  args: { ...ofRun, run: v.string() },
  handler: async (ctx, { workflowId, run }) => {
    for (const table of ["effects", "attempts"]) {
      const rows = await ctx.db
        .query(table)
        // Its children's too, whose names have a slash after this one's.
        .withIndex("run", (q) => q.gte("run", run).lt("run", `${run}0`))
        .collect();
      for (const { _id } of rows) await ctx.db.delete(table, _id as never);
    }
    const endings = await ctx.db.query("endings").collect();
    for (const ending of endings)
      if (ending.run === run) await ctx.db.delete("endings", ending._id);
    await workflow.restart(ctx, workflowId as WorkflowId, { from: 0 });
  },
});

export const cleanup = internalMutation({
  args: ofRun,
  handler: async (ctx, { workflowId }) =>
    await workflow.cleanup(ctx, workflowId as WorkflowId),
});
