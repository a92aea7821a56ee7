import { v, type Infer, type ObjectType } from "convex/values";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
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

/** Pending: it has not begun. Finished: it has ended, or nothing is known of it. */
export async function scheduledState(ctx: QueryCtx, scheduledId: string) {
  const job = await jobOf(ctx, scheduledId);
  switch (job?.state.kind) {
    case "pending":
      return "pending";
    case "inProgress":
      return "running";
    default:
      return "finished";
  }
}

/** The scheduled function that a run's `pendingTurn` names: a turn, or with a result the end of the run. */
export const vPending = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
  result: v.optional(vRunResult),
};
export type Pending = ObjectType<typeof vPending>;

/** When a watchdog looks first, and how rarely it looks at what stays late. */
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

/** What a watchdog looks after: a run's pending turn or end, or a task. */
export const vWatched = v.union(
  v.object(vPending),
  v.object({ taskId: v.id("tasks") }),
);

/** Has the watchdog look after what is scheduled, ever more rarely while it is late. Returns the watchdog's id. */
export async function watch(
  ctx: MutationCtx,
  scheduledId: string,
  watched: Infer<typeof vWatched>,
  lateMs = 0,
): Promise<string> {
  const delayMs = Math.min(
    Math.max(FIRST_LOOK_MS, lateMs),
    LONGEST_BETWEEN_LOOKS_MS,
  );
  return await ctx.scheduler.runAfter(delayMs, internal.turns.look, {
    scheduledId,
    watched,
    lateMs: lateMs + delayMs,
  });
}

/**
 * `late` may still run, however late it is: behind a backlog, conflicts or an outage. `dead` has failed for good.
 * `canceled` never will run, and never did. `done` has committed.
 */
export type ScheduledState =
  | { kind: "late" | "canceled" | "done" | "unknown" }
  | { kind: "dead"; error: string };

export async function lookAtScheduled(
  ctx: QueryCtx,
  scheduledId: string,
): Promise<ScheduledState> {
  const job = await jobOf(ctx, scheduledId);
  switch (job?.state.kind) {
    case undefined:
      return { kind: "unknown" };
    case "pending":
    case "inProgress":
      return { kind: "late" };
    case "success":
      return { kind: "done" };
    case "canceled":
      return { kind: "canceled" };
    case "failed":
      return { kind: "dead", error: job.state.error };
  }
}
