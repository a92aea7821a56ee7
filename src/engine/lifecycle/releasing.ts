import type { MutationCtx } from "../../component/_generated/server.js";
import { withdrawWait } from "../step/eventWait.js";
import { cancelJob } from "../platform/workpool.js";
import {
  generationOf,
  endedForcibly,
  stepsInFlight,
  type Run,
  type StepRow,
} from "../run/runs.js";
import { cancelScheduled } from "../platform/scheduler.js";
import type { Budget } from "../../shared/transactionBudget.js";
import type { Ending } from "../platform/tasks.js";

/** The cost of work on a step, relative to a change of its row. Releasing a step may cancel a workpool job. */
export const COST = { read: 1 / 32, changed: 1, released: 2.5, child: 10 };

/**
 * Releases the steps in flight of an ended run. If it ended by itself, only its waits, because they would wake
 * nothing. Returns the remaining work: steps that exceed the budget, and children to cancel.
 */
export async function releaseSteps(
  ctx: MutationCtx,
  run: Run,
  budget: Budget,
  after?: number,
): Promise<Ending[]> {
  const isForced = endedForcibly(run);
  const children: Ending[] = [];
  for await (const row of stepsInFlight(ctx, run._id, after)) {
    const { step, _creationTime: after } = row;
    await (isForced ? releaseStep : releaseWait)(ctx, row);
    if (isForced && step.kind === "workflow" && step.workflowId)
      children.push({ workflowId: step.workflowId });
    budget.spend(COST.released, step.args);
    if (budget.isSpent) return [{ ...generationOf(run), after }, ...children];
  }
  return children;
}

/**
 * Ends the wait of a sleep or an event step in flight: cancels its timer and withdraws its wait. The row drops both,
 * so that a second release has nothing to cancel. The scheduled function may no longer exist by then.
 */
export async function releaseWait(ctx: MutationCtx, row: StepRow) {
  const { step, timer } = row;
  if (step.kind !== "sleep" && step.kind !== "event") return;
  if (step.kind === "event") await withdrawWait(ctx, row);
  const jobOf04 = step.kind === "sleep" && !timer ? step.workId : undefined;
  if (timer) await cancelScheduled(ctx, timer.scheduledId);
  if (jobOf04) await cancelJob(ctx, jobOf04);
  if (timer || jobOf04)
    await ctx.db.patch("steps", row._id, {
      timer: undefined,
      step: step.kind === "sleep" ? { ...step, workId: undefined } : step,
    });
}

/**
 * Cancels the work that would complete a step in flight, so that nothing new begins for it. A running action finishes
 * and its result is ignored. A child is left to the caller.
 */
export async function releaseStep(ctx: MutationCtx, row: StepRow) {
  const { step } = row;
  if (!("functionType" in step)) return await releaseWait(ctx, row);
  if (!step.workId) return;
  await cancelJob(ctx, step.workId);
  await ctx.db.patch("steps", row._id, {
    step: { ...step, workId: undefined },
  });
}
