import { createFunctionHandle } from "convex/server";
import { v, type Infer } from "convex/values";
import { Budget, isHalfUnused } from "../../shared/transactionBudget.js";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { takeOver } from "../step/attempts.js";
import type { PendingStep } from "../step/completing.js";
import { readConfig, type Config } from "../platform/config.js";
import { enqueue, stateOfJob, type Job } from "../platform/workpool.js";
import {
  generationOf,
  endedForcibly,
  stepsInFlight,
  type Run,
} from "../run/runs.js";
import {
  mayStillRun,
  startTimer,
  type vWatched,
} from "../platform/scheduler.js";
import { scheduleTaskAgain } from "../platform/tasks.js";
import { isAttached } from "../run/driverState.js";
import { anyStarted, wake } from "../run/waking.js";
import { look } from "./watchdog.js";

/** How many runs one transaction checks. Each may be large. */
const RUNS_PER_CHECK = 8;

/** How many steps in flight one transaction checks. Each may take a call to the workpool. */
const STEPS_PER_CHECK = 64;

const TASKS_PER_BATCH = 100;

/** A run that takes several batches: the last step that they checked, and whether they found something lost. */
const vPart = v.object({
  workflowId: v.id("workflows"),
  afterStep: v.number(),
  isLost: v.boolean(),
});

/**
 * Where the next batch continues: with runs that haven't ended, then with ended ones, then with tasks. With a `part`,
 * it begins with that run.
 */
export const vRecoverCursor = v.union(
  v.object({ afterRun: v.number(), part: v.optional(vPart) }),
  v.object({ afterEnded: v.string(), part: v.optional(vPart) }),
  v.object({ afterTask: v.number() }),
);
type Cursor = Infer<typeof vRecoverCursor>;
type Part = Infer<typeof vPart>;
type Batch = { recovered: number; after?: Cursor };

/**
 * Checks runs in progress, oldest first, and finished runs with steps in flight. Makes sure that each waits for
 * something that can still happen: functions that an operator canceled are scheduled again. So are tasks. Returns how
 * many needed that, and where to continue.
 */
export async function recoverRuns(
  ctx: MutationCtx,
  after: Cursor = { afterRun: 0 },
): Promise<Batch> {
  if ("afterTask" in after) return await recoverTasks(ctx, after);
  const isOfEnded = "afterEnded" in after;
  if (!isOfEnded && after.afterRun === 0 && !after.part)
    await wakePool(ctx, await readConfig(ctx));
  const runs = isOfEnded
    ? endedInFlightAfter(ctx, after.afterEnded)
    : runningAfter(ctx, after.afterRun);
  const budget = new Budget(STEPS_PER_CHECK);
  let recovered = 0;
  let place = after;
  for await (const run of runs) {
    const begun = after.part?.workflowId === run._id ? after.part : undefined;
    const { isLost, afterStep } = await recoverRun(ctx, run, budget, begun);
    if (afterStep !== undefined) {
      const part = { workflowId: run._id, afterStep, isLost };
      return { recovered, after: { ...place, part } };
    }
    if (isLost) recovered++;
    place = isOfEnded
      ? { afterEnded: run._id }
      : { afterRun: run._creationTime };
    budget.spend(STEPS_PER_CHECK / RUNS_PER_CHECK);
    if (budget.isSpent || !(await isHalfUnused(ctx)))
      return { recovered, after: place };
  }
  return {
    recovered,
    after: isOfEnded ? { afterTask: 0 } : { afterEnded: "" },
  };
}

const runningAfter = (ctx: MutationCtx, afterRun: number) =>
  ctx.db
    .query("workflows")
    .withIndex("result", (q) =>
      q.eq("runResult.kind", undefined).gt("_creationTime", afterRun),
    );

/** Yields runs that ended by themselves with function steps in flight, which still must finish and be recorded. */
async function* endedInFlightAfter(ctx: MutationCtx, afterRun: string) {
  for (let next = afterRun; ;) {
    const row = await ctx.db
      .query("steps")
      .withIndex("inProgress", (q) =>
        q.eq("step.inProgress", true).gt("workflowId", next as Id<"workflows">),
      )
      .first();
    if (!row) return;
    next = row.workflowId;
    const run = await ctx.db.get("workflows", row.workflowId);
    if (run?.runResult && !endedForcibly(run)) yield run;
  }
}

/** Schedules tasks again whose scheduled functions won't run. */
async function recoverTasks(
  ctx: MutationCtx,
  { afterTask }: { afterTask: number },
): Promise<Batch> {
  const tasks = ctx.db
    .query("tasks")
    .withIndex("by_creation_time", (q) => q.gt("_creationTime", afterTask));
  let recovered = 0;
  let looked = 0;
  for await (const { _id, _creationTime, scheduledId } of tasks) {
    if (!scheduledId || !(await isComing(ctx, { scheduledId }))) {
      await scheduleTaskAgain(ctx, _id);
      recovered++;
    }
    if (++looked >= TASKS_PER_BATCH || !(await isHalfUnused(ctx)))
      return { recovered, after: { afterTask: _creationTime } };
  }
  return { recovered };
}

/** Makes the workpool check for jobs, because its own scheduled functions may have been canceled. */
async function wakePool(ctx: MutationCtx, config: Config) {
  const [sleep, onComplete] = await Promise.all([
    createFunctionHandle(internal.workflow.sleep),
    createFunctionHandle(internal.pool.onComplete),
  ]);
  const job: Job = {
    type: "query",
    handle: sleep,
    name: "recover",
    args: {},
    runAt: Date.now(),
    onComplete: {
      handle: onComplete,
      context: {},
      exclude: ["success", "failed", "canceled"],
    },
  };
  await enqueue(ctx, [job], config);
}

/**
 * Repairs a run. Returns whether it waited for something that can no longer happen and, if its steps in flight exceed
 * the budget, after which step to continue.
 */
async function recoverRun(
  ctx: MutationCtx,
  run: Run,
  budget: Budget,
  begun?: Part,
): Promise<{ isLost: boolean; afterStep?: number }> {
  // A task continues the restart.
  if (run.restarting) return { isLost: false };
  let isLost = begun ? begun.isLost : await recoverTurn(ctx, run);
  for await (const row of stepsInFlight(ctx, run._id, begun?.afterStep)) {
    if (await recoverStep(ctx, { row, run })) isLost = true;
    budget.spend(1, row.step.args);
    if (budget.isSpent) return { isLost, afterStep: row._creationTime };
  }
  return { isLost };
}

/** Repairs a run's driver and turn. Returns whether nothing would have watched the driver or caused the next turn. */
async function recoverTurn(ctx: MutationCtx, run: Run) {
  const { pendingTurn, driver } = run;
  const driverIsLost =
    driver !== undefined && (await recoverDriver(ctx, run, driver));
  if (run.runResult) return driverIsLost;
  if (pendingTurn && (await isComing(ctx, pendingTurn))) return driverIsLost;
  if (!pendingTurn && (driver || (await anyStarted(ctx, run))))
    return driverIsLost;
  const lost =
    pendingTurn && "scheduledId" in pendingTurn
      ? { ...pendingTurn, isLost: true }
      : undefined;
  await wake(ctx, { ...run, pendingTurn: lost });
  return true;
}

/** Whether a job of the workpool or a scheduled function is still to come. */
const isComing = async (
  ctx: MutationCtx,
  job: { workId?: string; scheduledId?: string },
) => mayStillRun(await stateOfJob(ctx, job));

/** If a driver has no watchdog, it gets one now. */
async function recoverDriver(
  ctx: MutationCtx,
  run: Run,
  { checkId, workId, scheduledId }: NonNullable<Run["driver"]>,
) {
  if (await isComing(ctx, { scheduledId: checkId })) return false;
  await lookNow(ctx, workId ?? scheduledId!, {
    ...generationOf(run),
    driver: run.drivers!,
  });
  return true;
}

const lookNow = (
  ctx: MutationCtx,
  jobId: string,
  watched: Infer<typeof vWatched>,
) => look(ctx, { jobId, watched, seen: { state: "pending", forMs: 0 } });

/** Repairs a step in flight. Returns whether nothing would have ended it. */
async function recoverStep(ctx: MutationCtx, { row, run }: PendingStep) {
  const { step, timer, stepNumber } = row;
  const execution = { ...generationOf(run), stepNumber };
  if (timer) {
    if (await isComing(ctx, timer)) return false;
    const restarted = await startTimer(ctx, execution, timer.endsAt);
    await ctx.db.patch("steps", row._id, {
      timer: restarted,
      step:
        step.kind === "sleep"
          ? { ...step, workId: restarted.scheduledId }
          : step,
    });
    return true;
  }
  if (!("functionType" in step) || row.unstarted) return false;
  if (!step.workId) {
    const isExecuted = isAttached(run, row.drivenBy);
    if (!isExecuted) await takeOver(ctx, { row, run });
    return !isExecuted;
  }
  const { kind } = await stateOfJob(ctx, step);
  if (kind === "pending") return false;
  // If a job's report was canceled, the workpool still considers it running, so it looks like a running job.
  await lookNow(ctx, step.workId, execution);
  return kind === "unknown";
}
