import type { MutationCtx } from "../../component/_generated/server.js";
import { withdrawWait } from "../step/eventWait.js";
import { cancelJob } from "../platform/workpool.js";
import type { StepRow } from "../run/runs.js";
import { cancelScheduled } from "../platform/scheduler.js";

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
