import type { Id } from "./_generated/dataModel.js";
import type { MutationCtx } from "./_generated/server.js";
import { withdrawWait } from "./events.js";
import { cancelJob } from "./pooling.js";
import type { StepRow } from "./runs.js";

/** Ends the wait of a sleep or an event step in flight: its timer, its place among the waiters. */
export async function releaseWait(ctx: MutationCtx, row: StepRow) {
  const { step, timer } = row;
  if (step.kind !== "sleep" && step.kind !== "event") return;
  if (timer)
    await ctx.scheduler.cancel(timer.scheduledId as Id<"_scheduled_functions">);
  // A sleep begun by 0.4 is a job of the pool.
  else if (step.kind === "sleep" && step.workId)
    await cancelJob(ctx, step.workId);
  if (step.kind === "event" && step.eventId)
    await withdrawWait(ctx, step.eventId, row._id);
}

/**
 * Takes back whatever will complete a step in flight, so that nothing new begins for it. An action
 * already running finishes; its result finds nobody. A nested run is left to the caller.
 */
export async function releaseStep(ctx: MutationCtx, row: StepRow) {
  const { step } = row;
  if ("functionType" in step) {
    if (step.workId) await cancelJob(ctx, step.workId);
  } else await releaseWait(ctx, row);
}
