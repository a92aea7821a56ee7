import { STEPS_PER_BATCH } from "../../shared/limits.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Generation } from "../../component/schema.js";
import { cancelRuns } from "./cancel.js";
import { deleteEmptyRun } from "../step/completing.js";
import { detachDriver } from "../run/driverState.js";
import {
  scheduleTask,
  withdrawTask,
  type TaskArgs,
} from "../platform/tasks.js";
import { Budget } from "../../shared/transactionBudget.js";
import { COST, releaseStep, releaseWait } from "./releasing.js";
import {
  isInFlight,
  endedForcibly,
  findRun,
  functionTypeOf,
  runOf,
  stepsInFlight,
  updateRun,
} from "../run/runs.js";

/**
 * Deletes a run, its steps and its events in batches, and each child in its own transactions. As in 0.4, function
 * steps in flight still finish unless the run was canceled. Until then, their rows and the run's row remain, but
 * nothing else sees them.
 */
export async function cleanUp(
  ctx: MutationCtx,
  workflowId: Id<"workflows">,
  force: boolean,
): Promise<boolean> {
  let run = await findRun(ctx, workflowId);
  if (!run) return false;
  if (!run.runResult) {
    if (!force) return false;
    await cancelRuns(ctx, [{ workflowId }]);
    // Its onComplete may have cleaned up or restarted the run.
    run = await findRun(ctx, workflowId);
    if (!run) return true;
    if (!run.runResult) return false;
  }
  const canceled = endedForcibly(run);
  if (run.dueTask) await withdrawTask(ctx, run.dueTask);
  if (!canceled && (await stepsInFlight(ctx, workflowId).first()))
    await updateRun(ctx, run, { cleanedUp: true });
  else {
    await detachDriver(ctx, run);
    await ctx.db.delete("workflows", workflowId);
  }
  await deleteBatch(ctx, { workflowId, fromStepNumber: 0, canceled });
  return true;
}

/** Cleans up a run whose retention has passed. */
export async function expire(ctx: MutationCtx, generation: Generation) {
  const run = await runOf(ctx, generation);
  if (run) await cleanUp(ctx, run._id, false);
}

/** Deletes steps from a number on, then events, as many as fit in one transaction. */
export async function deleteBatch(
  ctx: MutationCtx,
  { workflowId, fromStepNumber, canceled }: TaskArgs["cleanUp"],
) {
  // The run is absent if no step in flight still has to finish.
  const run = await ctx.db.get("workflows", workflowId);
  const budget = new Budget(STEPS_PER_BATCH);
  const continueAt = async (fromStepNumber: number) => {
    await scheduleTask(ctx, "cleanUp", {
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
    const { step } = row;
    const inFlight = isInFlight(row);
    const child = step.kind === "workflow" ? step.workflowId : undefined;
    if (!run || !inFlight || !functionTypeOf(step)) {
      if (inFlight) await (canceled ? releaseStep : releaseWait)(ctx, row);
      await ctx.db.delete("steps", row._id);
    }
    if (child) await deleteChild(ctx, child);
    const cost = child ? "child" : inFlight ? "released" : "changed";
    budget.spend(COST[cost], row);
    if (budget.isSpent) return await continueAt(row.stepNumber + 1);
  }
  if (run) await deleteEmptyRun(ctx, run);
  const events = ctx.db
    .query("events")
    .withIndex("workflowId_state", (q) => q.eq("workflowId", workflowId));
  for await (const event of events) {
    await ctx.db.delete("events", event._id);
    // After all steps, only events are left.
    budget.spend(COST.changed, event);
    if (budget.isSpent) return await continueAt(Number.MAX_SAFE_INTEGER);
  }
}

/** Deletes a child whose step was deleted. If it is in progress, it is canceled at once. */
export async function deleteChild(
  ctx: MutationCtx,
  workflowId: Id<"workflows">,
) {
  await cancelRuns(ctx, [{ workflowId }], new Budget(2 * COST.child));
  await scheduleTask(ctx, "cleanUpNested", { workflowId });
}
