import { v, type Infer, type ObjectType } from "convex/values";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import { vDriver, vStepExecution } from "../../component/schema.js";
import { vRunResult } from "../../shared/outcome.js";

const jobOf = (ctx: QueryCtx, scheduledId: string) =>
  ctx.db.system.get(
    "_scheduled_functions",
    scheduledId as Id<"_scheduled_functions">,
  );

/** Cancels a scheduled function that hasn't begun. One that has begun notices by itself that it is obsolete. */
export async function cancelScheduled(ctx: MutationCtx, scheduledId: string) {
  const job = await jobOf(ctx, scheduledId);
  if (job?.state.kind === "pending") await ctx.scheduler.cancel(job._id);
}

/** The scheduled function that a run's `pendingTurn` names: a turn, or with a result the end of the run. */
export const vPending = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
  result: v.optional(vRunResult),
};
export type Pending = ObjectType<typeof vPending>;

/** When a watchdog looks first, and how rarely it looks at what stays as it is. */
const FIRST_LOOK_MS = 60_000;
const LONGEST_BETWEEN_LOOKS_MS = 10 * 60_000;

/**
 * Schedules a run's next turn or its end, and a watchdog, so that something outside that transaction owns it. What
 * a canceled job schedules is born canceled: `isLost` says so.
 */
export async function schedulePending(
  ctx: MutationCtx,
  pending: Pending,
): Promise<ScheduledPending> {
  const { result, ...turn } = pending;
  const scheduledId: string = result
    ? await ctx.scheduler.runAfter(0, internal.ending.finish, {
        ...turn,
        result,
      })
    : await ctx.scheduler.runAfter(0, internal.turns.take, turn);
  const checkId = await watch(ctx, scheduledId, pending);
  const { kind } = await lookAtScheduled(ctx, scheduledId);
  const isLost = kind === "canceled" ? true : undefined;
  return { scheduledId, checkId, isLost };
}

type ScheduledPending = {
  scheduledId: string;
  checkId: string;
  isLost?: boolean;
};

/** What is to be done once, at once. */
export const vDue = v.union(
  v.object(vPending),
  v.object({ taskId: v.id("tasks") }),
);

/** What a watchdog looks after: a run's pending turn or end, a task, a driver, or the job of a step. */
export const vWatched = v.union(
  ...vDue.members,
  v.object(vDriver),
  v.object(vStepExecution),
);

/** What a watchdog knows of the job's state: which it was at the last look, and for how long by the next. */
export const vSeen = v.object({ state: v.string(), forMs: v.number() });

/**
 * Has the watchdog look after a job, which is scheduled or in the pool, ever more rarely while its state stays the
 * same. Returns the id of the watchdog's next look.
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
 * `pending` and `running` may still do their work, however late: behind a backlog, conflicts or an outage. `dead` has
 * failed for good. `canceled` never runs, and never did. `done` has committed.
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
