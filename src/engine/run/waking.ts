import { createFunctionHandle } from "convex/server";
import { internal } from "../../component/_generated/api.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { RunResult } from "../../shared/outcome.js";
import { shortenError } from "../../shared/storable.js";
import type { Config } from "../platform/config.js";
import { cancelJob, enqueue, type Job } from "../platform/workpool.js";
import { isLegacy } from "../../shared/replayVersion.js";
import {
  generationOf,
  isInFlight,
  stepsInFlight,
  updateRun,
  type Run,
  type StepRow,
} from "./runs.js";
import { cancelScheduled, schedulePending } from "../platform/scheduler.js";

export interface Wake {
  run: Run;
  /** Absent: now. */
  runAt?: number;
}

/**
 * Schedules the next turn now, plus a watchdog, unless a turn is due. It occupies no slot of the workpool. If the
 * turn crashes, the watchdog fails the run, so it doesn't hang. If the turn was canceled from the start, anything
 * that wakes the run schedules another.
 */
export async function wake(ctx: MutationCtx, run: Run, dueAt?: number) {
  const { pendingTurn } = run;
  const isLost = pendingTurn && "isLost" in pendingTurn && pendingTurn.isLost;
  if (pendingTurn && !isLost) return;
  if (isLost) dueAt ??= pendingTurn.dueAt;
  await updateRun(ctx, run, {
    pendingTurn: await schedulePending(ctx, generationOf(run), dueAt),
  });
}

/** Like `wake`, but through the workpool, for new runs that queue with all other jobs. */
export async function enqueueTurns(
  ctx: MutationCtx,
  wakes: Wake[],
  config: Config,
) {
  if (wakes.length === 0) return;
  const [take, onCrash] = await Promise.all([
    createFunctionHandle(internal.turns.take),
    createFunctionHandle(internal.pool.handlerOnComplete),
  ]);
  const jobs = wakes.map(({ run, runAt = Date.now() }): Job => {
    const turn = generationOf(run);
    return {
      type: "mutation",
      handle: take,
      name: run.name ?? run.workflowHandle,
      args: { ...turn },
      runAt,
      onComplete: { handle: onCrash, context: turn, exclude: ["success"] },
    };
  });
  const workIds = await enqueue(ctx, jobs, config);
  for (const [index, { run }] of wakes.entries())
    await updateRun(ctx, run, { pendingTurn: { workId: workIds[index]! } });
}

/**
 * Schedules the end of a run that can't continue, in a separate transaction. If that transaction crashes, a
 * watchdog ends the run without `onComplete`.
 */
export async function scheduleRunEnd(
  ctx: MutationCtx,
  run: Run,
  failed: Extract<RunResult, { kind: "failed" }>,
) {
  const pendingTurn = await schedulePending(ctx, {
    ...generationOf(run),
    result: { ...failed, error: shortenError(failed.error) },
  });
  await updateRun(ctx, run, { pendingTurn });
}

/**
 * Marks the due turn as begun. If this transaction crashes, that is rolled back. A driver's turn replaces the
 * scheduled one. Otherwise this is the scheduled one, which must not cancel itself.
 */
export async function clearPendingTurn(
  ctx: MutationCtx,
  run: Run,
  { isDriven }: { isDriven: boolean },
) {
  const { pendingTurn } = run;
  if (!pendingTurn) return;
  if ("checkId" in pendingTurn) {
    await cancelScheduled(ctx, pendingTurn.checkId);
    if (isDriven) await cancelScheduled(ctx, pendingTurn.scheduledId);
  }
  await updateRun(ctx, run, { pendingTurn: undefined });
}

/** Cancels the pending turn and its watchdog. */
export async function releaseTurn(
  ctx: MutationCtx,
  pending: Run["pendingTurn"],
) {
  if (!pending) return;
  if ("workId" in pending) return await cancelJob(ctx, pending.workId);
  await cancelScheduled(ctx, pending.scheduledId);
  await cancelScheduled(ctx, pending.checkId);
}

/**
 * Whether the result that was just recorded in `row` can matter to the handler, which still waits as at the end of
 * its last turn. The row is no longer in progress.
 */
export async function resultMatters(
  ctx: MutationCtx,
  run: Run,
  row: StepRow,
  succeeded: boolean,
): Promise<boolean> {
  // 0.4 takes no turn while a step is in flight.
  if (isLegacy(run)) return !(await anyStarted(ctx, run));
  switch (row.wakes) {
    case undefined:
    case "always":
      return true;
    case "never":
      return false;
    case "all":
      return !succeeded || (await isLastOfGroup(ctx, row));
    case "any":
      return succeeded || (await isLastOfGroup(ctx, row));
    case "allSettled":
      return await isLastOfGroup(ctx, row);
  }
}

export async function anyStarted(ctx: MutationCtx, run: Run) {
  for await (const row of stepsInFlight(ctx, run._id))
    if (isInFlight(row)) return true;
  return false;
}

async function isLastOfGroup(ctx: MutationCtx, row: StepRow) {
  const other = await ctx.db
    .query("steps")
    .withIndex("group", (q) =>
      q
        .eq("workflowId", row.workflowId)
        .eq("group", row.group)
        .eq("step.inProgress", true),
    )
    // The newest member usually ends last, so this read rarely conflicts.
    .order("desc")
    .first();
  return other === null;
}
