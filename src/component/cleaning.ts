import { v } from "convex/values";
import { BYTES_PER_BATCH, STEPS_PER_BATCH } from "../shared/limits.js";
import { sizeOf } from "../shared/storable.js";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { cancelRuns } from "./canceling.js";

/**
 * Deletes a run: its own row at once, its steps and events in batches, nested runs each in
 * transactions of their own. Steps still in flight find nobody when they complete.
 */
export async function cleanUp(
  ctx: MutationCtx,
  workflowId: Id<"workflows">,
  force: boolean,
): Promise<boolean> {
  const run = await ctx.db.get("workflows", workflowId);
  if (!run) return false;
  if (!run.runResult) {
    if (!force) return false;
    await cancelRuns(ctx, [{ workflowId }]);
    // Its onComplete may have cleaned it up.
    if (!(await ctx.db.get("workflows", workflowId))) return true;
  }
  await ctx.db.delete("workflows", workflowId);
  await deleteBatch(ctx, workflowId, 0);
  return true;
}

/** Deletes steps from a number on, then events: as much as one transaction should. */
export async function deleteBatch(
  ctx: MutationCtx,
  workflowId: Id<"workflows">,
  fromStepNumber: number,
) {
  let rows = 0;
  let bytes = 0;
  const full = (size: number) =>
    (bytes += size) >= BYTES_PER_BATCH || ++rows >= STEPS_PER_BATCH;
  const goOn = async (fromStepNumber: number) => {
    await ctx.scheduler.runAfter(0, internal.workflow.cleanupContinue, {
      workflowId,
      fromStepNumber,
    });
  };
  const steps = ctx.db
    .query("steps")
    .withIndex("workflow", (q) =>
      q.eq("workflowId", workflowId).gte("stepNumber", fromStepNumber),
    );
  for await (const row of steps) {
    await ctx.db.delete("steps", row._id);
    if (row.step.kind === "workflow" && row.step.workflowId)
      await deleteNested(ctx, row.step.workflowId);
    if (full(sizeOf(row))) return await goOn(row.stepNumber + 1);
  }
  const events = ctx.db
    .query("events")
    .withIndex("workflowId_state", (q) => q.eq("workflowId", workflowId));
  for await (const event of events) {
    await ctx.db.delete("events", event._id);
    // Past every step: only events are left.
    if (full(sizeOf(event))) return await goOn(Number.MAX_SAFE_INTEGER);
  }
}

/** Deletes a nested run whose step is gone; one still running is canceled first. */
export async function deleteNested(
  ctx: MutationCtx,
  workflowId: Id<"workflows">,
) {
  await ctx.scheduler.runAfter(0, internal.cleaning.nested, { workflowId });
}

export const nested = internalMutation({
  args: { workflowId: v.id("workflows") },
  returns: v.null(),
  handler: async (ctx, { workflowId }) => {
    await cleanUp(ctx, workflowId, true);
    return null;
  },
});
