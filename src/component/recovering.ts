import { vWorkId } from "@convex-dev/workpool";
import { createFunctionHandle } from "convex/server";
import { v, type ObjectType } from "convex/values";
import { vRunResult, type Outcome } from "../shared/outcome.js";
import { isHalfUnused } from "../shared/transactionRoom.js";
import { internal } from "./_generated/api.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { concludeAttempt, takeOver } from "../engine/step/attempts.js";
import {
  awaitedStep,
  recordResult,
  type Completion,
} from "../engine/step/completing.js";
import { readConfig, type Config } from "../engine/platform/config.js";
import {
  dismissDriver,
  DRIVER_CHECK_MS,
  driverOf,
  forgetDriver,
  stateOfDriver,
  vDriver,
  vGivenUp,
} from "../engine/run/driver.js";
import { enqueue, stateOf, type Job } from "../engine/platform/workpool.js";
import { executeAgain } from "../engine/step/retrying.js";
import {
  functionTypeOf,
  stepsInFlight,
  type Run,
  type StepRow,
} from "../engine/run/runs.js";
import { lookAtScheduled } from "../engine/platform/scheduler.js";
import { vStepExecution } from "./schema.js";
import { startTimer } from "../engine/step/timer.js";
import { wake } from "../engine/run/waking.js";

/**
 * A driver could not take a turn together with its step: the step is recorded alone, the turn taken
 * alone.
 */
export const giveUp = internalMutation({
  args: { ...vDriver, ...vGivenUp },
  returns: v.null(),
  handler: async (ctx, { stepNumber, outcome, ...id }) => {
    await settle(ctx, id, { stepNumber, outcome });
    return null;
  },
});

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

/**
 * Told by the pool that a driver ended, died or was canceled. A query or mutation that it was to execute has
 * not happened, or it would be recorded; an action may have.
 */
export const onComplete = internalMutation({
  args: { workId: vWorkId, result: vRunResult, context: v.object(vDriver) },
  returns: v.null(),
  handler: async (ctx, { result, context }) => {
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
      await record(
        ctx,
        { row, run },
        await takeOver(ctx, { row, run }, result),
      );
    return null;
  },
});

const isAction = ({ step }: StepRow) => functionTypeOf(step) === "action";

/** While a driver waits in the pool, for others, it is looked after more and more rarely. */
const LONGEST_CHECK_MS = 10 * 60_000;

/** A driver that is seen running for the first time may have begun just now: it is looked after again so soon. */
const SEEN_RUNNING_MS = 20_000;

/**
 * Takes a run over from a driver that was running at the last check and has not got on with a query or
 * mutation since, or that has ended without telling what came of its action. One that has not begun waits
 * for others, as the step would in its place.
 */
export const check = internalMutation({
  args: {
    ...vDriver,
    stepNumber: v.number(),
    afterMs: v.number(),
    /** At the last check. */
    stateBefore: v.optional(v.string()),
  },
  returns: v.null(),
  handler: async (ctx, { stepNumber, afterMs, stateBefore, ...id }) => {
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
    const checkId = await ctx.scheduler.runAfter(
      nextMs,
      internal.recovering.check,
      {
        ...id,
        stepNumber: row.stepNumber,
        afterMs: nextMs,
        stateBefore: state,
      },
    );
    await ctx.db.patch("workflows", run._id, {
      driver: { ...run.driver!, checkId },
    });
    return null;
  },
});

const WITHOUT_A_WORD = { error: "its driver ended without a word" };

/** Runs that one transaction looks at. Each may be large. */
const RUNS_PER_BATCH = 8;

/** Steps of one run in flight that are looked at. */
const STEPS_PER_RUN = 64;

/**
 * Looks at runs that have not ended, oldest first, and sees to it that each waits for something that can still
 * happen: what an operator canceled is scheduled again. Returns how many runs needed that, and where to go on.
 */
export async function recoverRuns(
  ctx: MutationCtx,
  after: number,
): Promise<{ recovered: number; after?: number }> {
  const config = await readConfig(ctx);
  if (after === 0) await wakePool(ctx, config);
  const running = ctx.db
    .query("workflows")
    .withIndex("result", (q) =>
      q.eq("runResult.kind", undefined).gt("_creationTime", after),
    );
  let recovered = 0;
  let looked = 0;
  for await (const run of running) {
    if (await recoverRun(ctx, run)) recovered++;
    if (++looked >= RUNS_PER_BATCH || !(await isHalfUnused(ctx)))
      return { recovered, after: run._creationTime };
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

/** Whether the run waited for something that could not happen any more. */
async function recoverRun(ctx: MutationCtx, run: Run): Promise<boolean> {
  const { _id: workflowId, generationNumber, pendingTurn, driver } = run;
  if (run.restarting) {
    const turn = { workflowId, generationNumber };
    await ctx.scheduler.runAfter(0, internal.restarting.goOn, turn);
    return true;
  }
  let isLost = false;
  let waits = false;
  if (pendingTurn)
    if (await mayStillRun(ctx, pendingTurn)) waits = true;
    else isLost = true;
  if (driver) {
    waits = true;
    if (await recoverDriver(ctx, run, driver)) isLost = true;
  }
  const inFlight = await stepsInFlight(ctx, workflowId).take(STEPS_PER_RUN);
  for (const row of inFlight) {
    waits ||= !row.unstarted;
    if (await recoverStep(ctx, { row, run })) isLost = true;
  }
  if (!waits || (pendingTurn && isLost)) {
    run.pendingTurn = undefined;
    await wake(ctx, run);
    return true;
  }
  return isLost;
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
  const checkId = await ctx.scheduler.runAfter(0, internal.recovering.check, {
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
  if ((await stateOf(ctx, step.workId)) !== "finished") return false;
  const { workId } = step;
  const look = { ...execution, workId };
  await ctx.scheduler.runAfter(SECOND_LOOK_MS, internal.recovering.look, look);
  return true;
}

/** How long a result that was reported may be on its way. */
const SECOND_LOOK_MS = 60_000;

/** The second look at a step whose job has ended: with no result yet, it is dead. */
export const look = internalMutation({
  args: { ...vStepExecution, workId: v.string() },
  returns: v.null(),
  handler: async (ctx, { workId, ...execution }) => {
    const step = await awaitedStep(ctx, execution);
    if (!step || !("functionType" in step.row.step)) return null;
    if (step.row.step.workId !== workId) return null;
    const error = "its job has ended without reporting a result";
    await record(ctx, step, await takeOver(ctx, step, { error }));
    return null;
  },
});
