import { v } from "convex/values";
import { BYTES_PER_BATCH, STEPS_PER_BATCH } from "../shared/limits.js";
import { sizeOf } from "../shared/storable.js";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { cancelRuns } from "./canceling.js";
import { dismissDriver } from "./drivers.js";
import { releaseStep, releaseWait } from "./releasing.js";

/**
 * Deletes a run: its own row at once, its steps and events in batches, nested runs each in
 * transactions of their own. Steps still in flight find nobody when they complete; those of a
 * canceled run that its cancellation had not come to are released here.
 */
export async function cleanUp(
  ctx: MutationCtx,
  workflowId: Id<"workflows">,
  force: boolean,
): Promise<boolean> {
  let run = await ctx.db.get("workflows", workflowId);
  if (!run) return false;
  if (!run.runResult) {
    if (!force) return false;
    await cancelRuns(ctx, [{ workflowId }]);
    run = await ctx.db.get("workflows", workflowId);
    // Its onComplete may have cleaned it up.
    if (!run) return true;
  }
  await dismissDriver(ctx, run);
  await ctx.db.delete("workflows", workflowId);
  const canceled = run.runResult?.kind === "canceled";
  await deleteBatch(ctx, { workflowId, fromStepNumber: 0, canceled });
  return true;
}

/** Taking a job out of the pool costs about ten index ranges: as much as this many rows may. */
const RELEASED_ROW = 3;

/** Deletes steps from a number on, then events: as much as one transaction should. */
export async function deleteBatch(
  ctx: MutationCtx,
  {
    workflowId,
    fromStepNumber,
    canceled,
  }: {
    workflowId: Id<"workflows">;
    fromStepNumber: number;
    canceled?: boolean;
  },
) {
  let rows = 0;
  let bytes = 0;
  const full = (size: number, weight = 1) =>
    (bytes += size) >= BYTES_PER_BATCH || (rows += weight) >= STEPS_PER_BATCH;
  const goOn = async (fromStepNumber: number) => {
    await ctx.scheduler.runAfter(0, internal.workflow.cleanupContinue, {
      workflowId,
      fromStepNumber,
      canceled,
    });
  };
  const steps = ctx.db
    .query("steps")
    .withIndex("workflow", (q) =>
      q.eq("workflowId", workflowId).gte("stepNumber", fromStepNumber),
    );
  for await (const row of steps) {
    const inFlight = row.step.inProgress && !row.unstarted;
    if (inFlight) await (canceled ? releaseStep : releaseWait)(ctx, row);
    await ctx.db.delete("steps", row._id);
    if (row.step.kind === "workflow" && row.step.workflowId)
      await deleteNested(ctx, row.step.workflowId);
    if (full(sizeOf(row), inFlight ? RELEASED_ROW : 1))
      return await goOn(row.stepNumber + 1);
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
