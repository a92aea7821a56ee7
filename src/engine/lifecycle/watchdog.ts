import { v, type Infer, type ObjectType } from "convex/values";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { StepExecution, vDriver } from "../../component/schema.js";
import { readConfig } from "../platform/config.js";
import {
  mayStillRun,
  schedulePending,
  vSeen,
  vWatched,
  watch,
  type Pending,
  type vDue,
} from "../platform/scheduler.js";
import { scheduleTaskAgain } from "../platform/tasks.js";
import { stateOfJob, type JobId } from "../platform/workpool.js";
import { driverOf } from "../run/driverState.js";
import { functionTypeOf, runInProgress, updateRun } from "../run/runs.js";
import { scheduleRunEnd } from "../run/waking.js";
import { replaceDriver, takeOver } from "../step/attempts.js";
import { awaitedStep } from "../step/completing.js";
import { endWithoutCallback, keepCrashedCallback } from "./end.js";

/** Work that has been due for this long is also performed by an action. */
const VERY_LATE_MS = 30 * 60_000;

/** Twice the time limit of an action. If a job seems to run for longer, it has ended and its report was lost. */
const LONGEST_JOB_MS = 60 * 60_000;

export const lookArgs = { watched: vWatched, jobId: v.string(), seen: vSeen };

/**
 * Checks a job. A late job isn't dead and changes nothing. If a job failed for good or an operator canceled it, its
 * work is abandoned or scheduled again, depending on its kind.
 */
export async function look(
  ctx: MutationCtx,
  { watched, jobId, seen }: ObjectType<typeof lookArgs>,
) {
  const work = await findWork(ctx, watched);
  if (!work || (work.job.workId ?? work.job.scheduledId) !== jobId) return;
  const state = await stateOfJob(ctx, work.job);
  const isSeenAgain = state.kind === seen.state;
  const forMs = isSeenAgain ? seen.forMs : 0;
  const isOver = mayStillRun(state)
    ? state.kind === "running" && forMs >= LONGEST_JOB_MS
    : isSeenAgain || !work.reports;
  if (isOver)
    return await work.onOver(state.kind === "dead" ? state : undefined);
  const next = { state: state.kind, forMs };
  const checkId = await watch(ctx, jobId, watched, { seen: next });
  await work.noteCheck?.(checkId);
  if (forMs >= VERY_LATE_MS) await work.onVeryLate?.(forMs);
}

/** Work that remains to be done. */
interface Work {
  job: JobId;
  /** A finished job has reported to another function, whose transaction may be late. Only a second check can tell. */
  reports?: boolean;
  /** Stores the next check's id. Absent if the awaited work writes the row, because the two would conflict. */
  noteCheck?(checkId: string): Promise<void>;
  onVeryLate?(forMs: number): Promise<void>;
  /** Called if the job won't do the work. It may have failed for good. */
  onOver(crash: { error: string } | undefined): Promise<void>;
}

async function findWork(
  ctx: MutationCtx,
  watched: Infer<typeof vWatched>,
): Promise<Work | null> {
  if ("taskId" in watched) return await task(ctx, watched.taskId);
  if ("driver" in watched) return await driver(ctx, watched);
  if ("stepNumber" in watched) return await stepInPool(ctx, watched);
  return await pendingTurn(ctx, watched);
}

/** Watches a run's turn or, with a result, its end. */
async function pendingTurn(
  ctx: MutationCtx,
  pending: Pending,
): Promise<Work | null> {
  const { result } = pending;
  const run = await runInProgress(ctx, pending);
  if (!run?.pendingTurn || !("scheduledId" in run.pendingTurn)) return null;
  const { scheduledId, dueAt } = run.pendingTurn;
  const what = `${result ? "The end" : "A turn"} of workflow ${run._id} ("${run.name}")`;
  return {
    job: { scheduledId },
    onVeryLate: (forMs) => performNow(ctx, pending, what, forMs),
    async onOver(crash) {
      if (!crash)
        await updateRun(ctx, run, {
          pendingTurn: await schedulePending(ctx, pending, dueAt),
        });
      else if (result) await endWithoutCallback(ctx, run, result, crash.error);
      else
        await scheduleRunEnd(ctx, run, {
          kind: "failed",
          error: `A turn of workflow ${run._id} crashed: ${crash.error}`,
        });
    },
  };
}

async function task(
  ctx: MutationCtx,
  taskId: Id<"tasks">,
): Promise<Work | null> {
  const row = await ctx.db.get("tasks", taskId);
  if (!row) return null;
  const what = `A task of the kind "${row.kind}"`;
  return {
    job: row,
    onVeryLate: (forMs) => performNow(ctx, { taskId }, what, forMs),
    async onOver(crash) {
      if (crash && row.kind === "callOnComplete") {
        await ctx.db.delete("tasks", taskId);
        return await keepCrashedCallback(ctx, row.args as never, crash.error);
      }
      const { log } = await readConfig(ctx);
      if (crash) log.error(`${what} crashed and is retried: ${crash.error}`);
      await scheduleTaskAgain(ctx, taskId);
    },
  };
}

/**
 * If a scheduled mutation fails because of the platform's own errors, it stays pending forever, with up to two hours
 * between its tries. It looks like one that waits. So if it is very late, an action also performs it, without any
 * backoff. The first of the two does the work and the other finds nothing to do. This never fails a run.
 */
async function performNow(
  ctx: MutationCtx,
  due: Infer<typeof vDue>,
  what: string,
  forMs: number,
) {
  const { log } = await readConfig(ctx);
  log.warn(
    `${what} has been due for ${Math.round(forMs / 60_000)} minutes. The deployment is busy, or the ` +
      `transaction fails because of an internal error.`,
  );
  await ctx.scheduler.runAfter(0, internal.turns.takeNow, { due });
}

async function driver(
  ctx: MutationCtx,
  id: ObjectType<typeof vDriver>,
): Promise<Work | null> {
  const found = await driverOf(ctx, id);
  if (!found) return null;
  const { run, row } = found;
  const driving = run.driver!;
  return {
    job: driving,
    // A query or mutation didn't happen, because it would be recorded.
    reports: row && functionTypeOf(row.step) === "action",
    async noteCheck(checkId) {
      await updateRun(ctx, run, { driver: { ...driving, checkId } });
    },
    onOver: (crash) =>
      replaceDriver(ctx, id, (step) => takeOver(ctx, step, crash), {
        inWatchdog: true,
      }),
  };
}

/** Only `utils:recover` adds this watchdog, because the workpool usually checks these jobs itself. */
async function stepInPool(
  ctx: MutationCtx,
  execution: StepExecution,
): Promise<Work | null> {
  const step = await awaitedStep(ctx, execution);
  if (!step || !("functionType" in step.row.step)) return null;
  const { workId } = step.row.step;
  return {
    job: { workId },
    reports: true,
    onOver: (crash) => takeOver(ctx, step, crash),
  };
}
