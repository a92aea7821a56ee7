import { vWorkId } from "@convex-dev/workpool";
import { createFunctionHandle } from "convex/server";
import { v, type Infer, type ObjectType } from "convex/values";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { vRunResult, type Outcome } from "../../shared/outcome.js";
import { sizeOf } from "../../shared/storable.js";
import { isHalfUnused } from "../../shared/transactionRoom.js";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { concludeAttempt, takeOver } from "../step/attempts.js";
import {
  awaitedStep,
  recordResult,
  type Completion,
} from "../step/completing.js";
import { readConfig, type Config } from "../platform/config.js";
import {
  dismissDriver,
  DRIVER_CHECK_MS,
  driverOf,
  forgetDriver,
  stateOfDriver,
  vDriver,
  vGivenUp,
} from "../run/driver.js";
import { enqueue, stateOf, type Job } from "../platform/workpool.js";
import { executeAgain } from "../step/retrying.js";
import {
  functionTypeOf,
  stepsInFlight,
  type Run,
  type StepRow,
} from "../run/runs.js";
import { lookAtScheduled } from "../platform/scheduler.js";
import { scheduleTaskAgain } from "../platform/tasks.js";
import { vStepExecution } from "../../component/schema.js";
import { startTimer } from "../step/timer.js";
import { wake } from "../run/waking.js";

export const giveUpArgs = { ...vDriver, ...vGivenUp };

/**
 * A driver could not take a turn together with its step: the step is recorded alone, the turn taken
 * alone.
 */
export async function giveUp(
  ctx: MutationCtx,
  { stepNumber, outcome, ...id }: ObjectType<typeof giveUpArgs>,
) {
  await settle(ctx, id, { stepNumber, outcome });
  return null;
}

async function settle(
  ctx: MutationCtx,
  id: ObjectType<typeof vDriver>,
  { stepNumber, outcome }: ObjectType<typeof vGivenUp>,
) {
  const found = await driverOf(ctx, id);
  if (!found) return;
  const { run, row } = found;
  await dismissDriver(ctx, run);
  if (!row) return await wakeUnended(ctx, run);
  const step = { row, run };
  // Otherwise the turn had committed, and the next step is in flight without having begun.
  if (row.stepNumber === stepNumber && outcome)
    await record(ctx, step, await concludeAttempt(ctx, step, outcome));
  else await executeAgain(ctx, step);
}

async function wakeUnended(ctx: MutationCtx, run: Run) {
  if (!run.runResult) await wake(ctx, run);
}

/** Null: the step is executed again. */
async function record(
  ctx: MutationCtx,
  step: Completion,
  outcome: Outcome | null,
) {
  if (outcome) await recordResult(ctx, step, outcome);
}

export const onCompleteArgs = {
  workId: vWorkId,
  result: vRunResult,
  context: v.object(vDriver),
};

/**
 * Told by the pool that a driver ended, died or was canceled. A query or mutation that it was to execute has
 * not happened, or it would be recorded; an action may have.
 */
export async function onComplete(
  ctx: MutationCtx,
  { result, context }: ObjectType<typeof onCompleteArgs>,
) {
  if (result.kind === "success") {
    const givenUp = result.returnValue as ObjectType<typeof vGivenUp> | null;
    if (givenUp) await settle(ctx, context, givenUp);
    return null;
  }
  const found = await driverOf(ctx, context);
  if (!found) return null;
  const { run, row } = found;
  await dismissDriver(ctx, run);
  if (!row) await wakeUnended(ctx, run);
  else if (result.kind === "canceled")
    await recordResult(ctx, { row, run }, { result });
  else
    await record(ctx, { row, run }, await takeOver(ctx, { row, run }, result));
  return null;
}

const isAction = ({ step }: StepRow) => functionTypeOf(step) === "action";

/** While a driver waits in the pool, for others, it is looked after more and more rarely. */
const LONGEST_CHECK_MS = 10 * 60_000;

/** A driver that is seen running for the first time may have begun just now: it is looked after again so soon. */
const SEEN_RUNNING_MS = 20_000;

export const checkArgs = {
  ...vDriver,
  stepNumber: v.number(),
  afterMs: v.number(),
  /** At the last check. */
  stateBefore: v.optional(v.string()),
};

/**
 * Takes a run over from a driver that was running at the last check and has not got on with a query or
 * mutation since, or that has ended without telling what came of its action. One that has not begun waits
 * for others, as the step would in its place.
 */
export async function check(
  ctx: MutationCtx,
  { stepNumber, afterMs, stateBefore, ...id }: ObjectType<typeof checkArgs>,
) {
  const found = await driverOf(ctx, id);
  if (!found) return null;
  const { run, row } = found;
  if (!row) {
    await forgetDriver(ctx, run);
    await wakeUnended(ctx, run);
    return null;
  }
  const state = await stateOfDriver(ctx, run.driver!);
  const isSeenAgain = state === stateBefore && row.stepNumber === stepNumber;
  const isLost = isAction(row)
    ? // What came of it may be on its way yet: only a second look tells.
      state === "finished" && isSeenAgain
    : state === "finished" || (state === "running" && isSeenAgain);
  if (isLost) {
    await forgetDriver(ctx, run);
    const step = { row, run };
    await record(ctx, step, await takeOver(ctx, step, WITHOUT_A_WORD));
    return null;
  }
  const nextMs =
    state === "pending"
      ? Math.min(2 * afterMs, LONGEST_CHECK_MS)
      : state === "running" && state !== stateBefore
        ? SEEN_RUNNING_MS
        : DRIVER_CHECK_MS;
  const checkId = await ctx.scheduler.runAfter(nextMs, internal.driving.check, {
    ...id,
    stepNumber: row.stepNumber,
    afterMs: nextMs,
    stateBefore: state,
  });
  await ctx.db.patch("workflows", run._id, {
    driver: { ...run.driver!, checkId },
  });
  return null;
}

const WITHOUT_A_WORD = { error: "its driver ended without a word" };

/** Runs that one transaction looks at. Each may be large. */
const RUNS_PER_BATCH = 8;

/** Steps in flight that one transaction looks at. Each may be a call of the pool's. */
const STEPS_PER_BATCH = 64;

const TASKS_PER_BATCH = 100;

/** A run that is looked at in several batches, what they have found, and its last step that was looked at. */
const vWithin = v.object({
  workflowId: v.id("workflows"),
  afterStep: v.number(),
  waits: v.boolean(),
  isLost: v.boolean(),
});

/** Where the next batch continues: with runs that haven't ended, then with ended ones, then with tasks. */
export const vRecoverCursor = v.union(
  v.object({ afterRun: v.number(), within: v.optional(vWithin) }),
  v.object({ afterEnded: v.string(), within: v.optional(vWithin) }),
  v.object({ afterTask: v.number() }),
);
type Cursor = Infer<typeof vRecoverCursor>;
type Within = { afterStep: number; waits: boolean; isLost: boolean };
type Batch = { recovered: number; after?: Cursor };

/**
 * Looks at runs that have not ended, oldest first, and at ended runs that left steps in flight, and makes sure that
 * each waits for something that can still happen: what an operator canceled is scheduled again. So are tasks.
 * Returns how many needed that, and where to continue.
 */
export async function recoverRuns(
  ctx: MutationCtx,
  after: Cursor = { afterRun: 0 },
): Promise<Batch> {
  if ("afterTask" in after) return await recoverTasks(ctx, after);
  if ("afterRun" in after && after.afterRun === 0 && !after.within)
    await wakePool(ctx, await readConfig(ctx));
  const { within, ...place } = after;
  const budget = { runs: RUNS_PER_BATCH, steps: STEPS_PER_BATCH };
  let recovered = 0;
  const look = async (run: Run, found?: Within) => {
    const seen = await recoverRun(ctx, run, budget, found);
    if ("afterStep" in seen) return { ...seen, workflowId: run._id };
    if (seen.isLost) recovered++;
    return undefined;
  };
  const begun = within && (await ctx.db.get("workflows", within.workflowId));
  if (begun && !begun.runResult === "afterRun" in place) {
    const rest = await look(begun, within);
    if (rest) return { recovered, after: { ...place, within: rest } };
  }
  const runs =
    "afterRun" in place
      ? runningAfter(ctx, place.afterRun)
      : endedInFlightAfter(ctx, place.afterEnded);
  for await (const run of runs) {
    const within = await look(run);
    const after =
      "afterRun" in place
        ? { afterRun: run._creationTime, within }
        : { afterEnded: run._id, within };
    if (within || --budget.runs <= 0 || !(await isHalfUnused(ctx)))
      return { recovered, after };
  }
  return {
    recovered,
    after: "afterRun" in place ? { afterEnded: "" } : { afterTask: 0 },
  };
}

const runningAfter = (ctx: MutationCtx, afterRun: number) =>
  ctx.db
    .query("workflows")
    .withIndex("result", (q) =>
      q.eq("runResult.kind", undefined).gt("_creationTime", afterRun),
    );

/** Runs that ended by themselves and left function steps in flight, which are still to be executed and recorded. */
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
    if (run?.runResult) yield run;
  }
}

/** Tasks that won't be done as they were scheduled. */
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
    if (!scheduledId || !(await isScheduled(ctx, scheduledId))) {
      await scheduleTaskAgain(ctx, _id);
      recovered++;
    }
    if (++looked >= TASKS_PER_BATCH || !(await isHalfUnused(ctx)))
      return { recovered, after: { afterTask: _creationTime } };
  }
  return { recovered };
}

/** Has the pool look for jobs: its own scheduled functions may have been canceled. */
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
 * Whether the run waited for something that could not happen any more; or where to go on, of a run with more steps in
 * flight than `budget` has left.
 */
async function recoverRun(
  ctx: MutationCtx,
  run: Run,
  budget: { steps: number },
  found?: Within,
): Promise<Within | { isLost: boolean }> {
  // A task goes on with it.
  if (run.restarting) return { isLost: false };
  const { pendingTurn, driver } = run;
  const turnIsLost = pendingTurn && !(await mayStillRun(ctx, pendingTurn));
  let { waits, isLost } = found ?? {
    waits: (pendingTurn !== undefined && !turnIsLost) || driver !== undefined,
    isLost: driver !== undefined && (await recoverDriver(ctx, run, driver)),
  };
  let bytes = BYTES_PER_BATCH;
  const inFlight = stepsInFlight(ctx, run._id, found?.afterStep);
  for await (const row of inFlight) {
    waits ||= !row.unstarted;
    if (await recoverStep(ctx, { row, run })) isLost = true;
    bytes -= sizeOf(row.step.args);
    if (--budget.steps <= 0 || bytes <= 0)
      return { afterStep: row._creationTime, waits, isLost };
  }
  if (run.runResult || (waits && !turnIsLost)) return { isLost };
  run.pendingTurn = undefined;
  await wake(ctx, run);
  return { isLost: true };
}

async function mayStillRun(
  ctx: MutationCtx,
  pending: NonNullable<Run["pendingTurn"]>,
) {
  if ("workId" in pending)
    return (await stateOf(ctx, pending.workId)) !== "finished";
  return await isScheduled(ctx, pending.scheduledId);
}

const isScheduled = async (ctx: MutationCtx, scheduledId: string) =>
  (await lookAtScheduled(ctx, scheduledId)).kind === "late";

/** A driver that nothing looks after is looked after at once. */
async function recoverDriver(
  ctx: MutationCtx,
  run: Run,
  driver: NonNullable<Run["driver"]>,
) {
  if (await isScheduled(ctx, driver.checkId)) return false;
  const checkId = await ctx.scheduler.runAfter(0, internal.driving.check, {
    workflowId: run._id,
    generationNumber: run.generationNumber,
    driver: run.drivers!,
    stepNumber: -1,
    afterMs: DRIVER_CHECK_MS,
  });
  run.driver = { ...driver, checkId };
  await ctx.db.patch("workflows", run._id, { driver: run.driver });
  return true;
}

/** Whether nothing would have ended a step in flight. */
async function recoverStep(ctx: MutationCtx, { row, run }: Completion) {
  const { step, timer, stepNumber } = row;
  const { _id: workflowId, generationNumber } = run;
  const execution = { workflowId, stepNumber, generationNumber };
  if (timer) {
    if (await isScheduled(ctx, timer.scheduledId)) return false;
    const leftMs = Math.max(0, timer.endsAt - Date.now());
    const restarted = await startTimer(ctx, execution, leftMs);
    await ctx.db.patch("steps", row._id, {
      timer: restarted,
      step:
        step.kind === "sleep"
          ? { ...step, workId: restarted.scheduledId }
          : step,
    });
    return true;
  }
  if (!("functionType" in step) || !step.workId || row.unstarted) return false;
  const { workId } = step;
  const state = await stateOf(ctx, workId);
  if (state === "pending") return false;
  // A job whose report was canceled stays running for the pool, and can't be told from one that runs.
  const delayMs = state === "running" ? LONGEST_JOB_MS : SECOND_LOOK_MS;
  const look = { ...execution, workId };
  await ctx.scheduler.runAfter(delayMs, internal.execute.lookAgain, look);
  return state === "finished";
}

/** How long a result that was reported may be on its way. */
const SECOND_LOOK_MS = 60_000;

/** Twice as long as an action may run: one that ran at the first look has ended. */
const LONGEST_JOB_MS = 60 * 60_000;

export const lookAgainArgs = { ...vStepExecution, workId: v.string() };

/** The second look at a step whose job has ended: with no result yet, it is dead. */
export async function lookAgain(
  ctx: MutationCtx,
  { workId, ...execution }: ObjectType<typeof lookAgainArgs>,
) {
  const step = await awaitedStep(ctx, execution);
  if (!step || !("functionType" in step.row.step)) return null;
  if (step.row.step.workId !== workId) return null;
  const error = "its job has ended without reporting a result";
  await record(ctx, step, await takeOver(ctx, step, { error }));
  return null;
}
