import { v, type Infer, type ObjectType } from "convex/values";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import {
  vDriver,
  vGeneration,
  vStepExecution,
  type StepExecution,
} from "../../component/schema.js";
import { vRunResult } from "../../shared/outcome.js";

const jobOf = (ctx: QueryCtx, scheduledId: string) =>
  ctx.db.system.get(
    "_scheduled_functions",
    scheduledId as Id<"_scheduled_functions">,
  );

/** Cancels a scheduled function that hasn't begun. A function that has begun detects that it is obsolete. */
export async function cancelScheduled(ctx: MutationCtx, scheduledId: string) {
  const job = await jobOf(ctx, scheduledId);
  if (job?.state.kind === "pending") await ctx.scheduler.cancel(job._id);
}

/** The turn in a run's `pendingTurn`. With a result, it only ends the run. */
export const vPending = {
  ...vGeneration,
  result: v.optional(vRunResult()),
};
export type Pending = ObjectType<typeof vPending>;

/** When a watchdog checks first, and how rarely it checks a job whose state doesn't change. */
const FIRST_LOOK_MS = 60_000;
const LONGEST_BETWEEN_LOOKS_MS = 10 * 60_000;

/**
 * The longest delay of one scheduled function. Convex schedules functions only a few years ahead, and Node's timers,
 * which convex-test uses, fire at once if they last longer than 24.8 days. Work that is due later is scheduled again
 * after this delay.
 */
const LONGEST_LEG_MS = 20 * 24 * 60 * 60 * 1000;

/** Returns the delay after which to do work that is due at `dueAt`, or to schedule it again if it still isn't due. */
export const delayUntil = (dueAt = 0) =>
  Math.min(Math.max(0, Math.ceil(dueAt - Date.now())), LONGEST_LEG_MS);

/**
 * Schedules a run's next turn or its end, and a watchdog, so that something outside that transaction owns it. If a
 * canceled job schedules a function, it is canceled from the start, and `isLost` is true.
 */
export async function schedulePending(
  ctx: MutationCtx,
  pending: Pending,
  dueAt?: number,
): Promise<ScheduledPending> {
  const dueInMs = delayUntil(dueAt);
  const scheduledId: string = await ctx.scheduler.runAfter(
    dueInMs,
    internal.turns.take,
    pending,
  );
  const checkId = await watch(ctx, scheduledId, pending, { dueInMs });
  const { kind } = await lookAtScheduled(ctx, scheduledId);
  const isLost = kind === "canceled" ? true : undefined;
  return { scheduledId, checkId, isLost, dueAt };
}

type ScheduledPending = {
  scheduledId: string;
  checkId: string;
  isLost?: boolean;
  dueAt?: number;
};

/** Schedules the end of a sleep or an event wait. */
export async function startTimer(
  ctx: MutationCtx,
  execution: StepExecution,
  endsAt: number,
): Promise<{ scheduledId: string; endsAt: number }> {
  const scheduledId: string = await ctx.scheduler.runAfter(
    delayUntil(endsAt),
    internal.execute.timer,
    execution,
  );
  return { scheduledId, endsAt };
}

/** Scheduled work that is due now. */
export const vDue = v.union(
  v.object(vPending),
  v.object({ taskId: v.id("tasks") }),
);

/** The work that a watchdog checks: a run's pending turn or end, a task, a driver, or a step's job. */
export const vWatched = v.union(
  ...vDue.members,
  v.object(vDriver),
  v.object(vStepExecution),
);

/** The job's state at the watchdog's last check, and how long it will have lasted by the next. */
export const vSeen = v.object({ state: v.string(), forMs: v.number() });

/**
 * Starts the watchdog of a job that is scheduled or in the workpool. It checks ever more rarely while the job's state
 * stays the same. Returns the id of its next check.
 */
export async function watch(
  ctx: MutationCtx,
  jobId: string,
  watched: Infer<typeof vWatched>,
  {
    dueInMs = 0,
    seen: { state, forMs } = { state: "pending", forMs: 0 },
  }: { dueInMs?: number; seen?: Infer<typeof vSeen> } = {},
): Promise<string> {
  const delayMs = Math.min(
    Math.max(FIRST_LOOK_MS, forMs),
    LONGEST_BETWEEN_LOOKS_MS,
  );
  return await ctx.scheduler.runAfter(dueInMs + delayMs, internal.turns.look, {
    jobId,
    watched,
    seen: { state, forMs: forMs + delayMs },
  });
}

/**
 * `pending` and `running` jobs may still do their work, however late, after a backlog, conflicts or an outage. A
 * `dead` job failed for good. A `canceled` job never ran and never will. A `done` job committed.
 */
export type JobState =
  | { kind: "pending" | "running" | "canceled" | "done" | "unknown" }
  | { kind: "dead"; error: string };

export async function lookAtScheduled(
  ctx: QueryCtx,
  scheduledId: string,
): Promise<JobState> {
  const job = await jobOf(ctx, scheduledId);
  switch (job?.state.kind) {
    case undefined:
      return { kind: "unknown" };
    case "pending":
      return { kind: "pending" };
    case "inProgress":
      return { kind: "running" };
    case "success":
      return { kind: "done" };
    case "canceled":
      return { kind: "canceled" };
    case "failed":
      return { kind: "dead", error: job.state.error };
  }
}

export const mayStillRun = ({ kind }: JobState) =>
  kind === "pending" || kind === "running";
