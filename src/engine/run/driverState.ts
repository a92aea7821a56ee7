import { createFunctionHandle } from "convex/server";
import { v, type ObjectType } from "convex/values";
import { vStepOutcome } from "../../shared/driverProtocol.js";
import { internal } from "../../component/_generated/api.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import type { Config } from "../platform/config.js";
import type { Step, vDriver } from "../../component/schema.js";
import {
  cancelJob,
  enqueue,
  stateOfJob,
  type Job,
} from "../platform/workpool.js";
import {
  generationOf,
  isInFlight,
  runOf,
  updateRun,
  type Run,
  type StepRow,
} from "./runs.js";
import { cancelScheduled, watch } from "../platform/scheduler.js";

/**
 * Marks a driver's copy of the journal as outdated, if the run has a driver. Writes only once, because the results of
 * a fan-out would otherwise conflict in the run's row.
 */
export async function bumpRevision(ctx: MutationCtx, run: Run) {
  const { driver, revision = 0 } = run;
  if (driver?.revision !== revision) return;
  await updateRun(ctx, run, { revision: revision + 1 });
}

/** Records that the run's driver gets a new copy of the journal. */
export async function markCopyCurrent(ctx: MutationCtx, run: Run) {
  const { driver, revision = 0 } = run;
  if (!driver || driver.revision === revision) return;
  await updateRun(ctx, run, { driver: { ...driver, revision } });
}

/** Whether the run still has this driver. */
export const isAttached = (run: Run, driver: number | undefined) =>
  run.driver !== undefined && run.drivers === driver;

/** The step in flight that the run's driver executes. */
export async function stepOfDriver(ctx: QueryCtx, run: Run) {
  if (run.drivers === undefined) return undefined;
  // Reads one row, because other steps in flight may be large.
  const row = await ctx.db
    .query("steps")
    .withIndex("drivenBy", (q) =>
      q
        .eq("workflowId", run._id)
        .eq("drivenBy", run.drivers)
        .eq("step.inProgress", true),
    )
    .first();
  return row && isInFlight(row) ? row : undefined;
}

/** Returns the run if `driver` is still its driver, and the step that it executes. */
export async function driverOf(
  ctx: QueryCtx,
  id: ObjectType<typeof vDriver>,
): Promise<{ run: Run; row: StepRow | undefined } | null> {
  const run = await runOf(ctx, id);
  if (!run || !isAttached(run, id.driver)) return null;
  return { run, row: await stepOfDriver(ctx, run) };
}

/**
 * Detaches a driver that is done or considered dead, so that it changes nothing. With `cancelsJob`, its job is also
 * canceled if it hasn't begun. The driver's watchdog passes `inWatchdog`, because a function that a canceled function
 * schedules would never run.
 */
export async function detachDriver(
  ctx: MutationCtx,
  run: Run,
  { cancelsJob = false, inWatchdog = false } = {},
) {
  if (!run.driver) return;
  const { workId, scheduledId, checkId } = run.driver;
  if (cancelsJob) {
    if (scheduledId !== undefined) await cancelScheduled(ctx, scheduledId);
    else if ((await stateOfJob(ctx, { workId })).kind === "pending")
      await cancelJob(ctx, workId!);
  }
  if (!inWatchdog) await cancelScheduled(ctx, checkId);
  await updateRun(ctx, run, { driver: undefined });
}

/** The facts that decide when a driver hands over to others. */
export const vShare = {
  /** When the driver was due. */
  dueAt: v.number(),
  /** How late drivers begin without a queue. */
  usualLagMs: v.number(),
  /** With more drivers than this, each hands over soon. */
  holders: v.number(),
};

/** A step that a driver can't record itself, with its outcome if known. */
export const vUnrecorded = {
  stepNumber: v.number(),
  outcome: v.optional(vStepOutcome()),
};

/**
 * Half of the scheduled functions that the smallest deployment runs at a time. The rest is for timers, turns, the
 * workpool's own functions and the app's.
 */
const HOLDERS = 4;

/** A function step that is in flight and due. */
export interface DueStep {
  stepNumber: number;
  step: Extract<Step, { handle: string; functionType: string }>;
  runAt: number;
}

/** Whether the run's driver may execute a step itself. The workpool limits how many actions run at a time. */
export const canDrive = (run: Run, { step }: DueStep, config: Config) =>
  config.maxParallelism > 0 &&
  (step.functionType !== "action" || run.driver?.workId !== undefined);

/** Starts a driver that executes `due` when it is due, and the steps that follow. Returns the driver's number. */
export async function startDriver(
  ctx: MutationCtx,
  run: Run,
  due: DueStep,
  config: Config,
): Promise<number> {
  await detachDriver(ctx, run);
  const driver = (run.drivers ?? 0) + 1;
  const id = { ...generationOf(run), driver };
  const now = Date.now();
  const startedAt = Math.max(now, due.runAt);
  const args = {
    ...id,
    workflowHandle: run.workflowHandle,
    stepNumber: due.stepNumber,
    // The driver reads any other step itself, because its arguments may be too large to pass on in this transaction.
    isMutation: due.step.functionType === "mutation",
    dueAt: startedAt,
  };
  const job = canDrive(run, due, config)
    ? { scheduledId: await scheduleDriver(ctx, args) }
    : { workId: await enqueueDriver(ctx, run, args, config) };
  const checkId = await watch(ctx, job.scheduledId ?? job.workId, id, {
    dueInMs: startedAt - now,
  });
  await updateRun(ctx, run, {
    drivers: driver,
    driver: { ...job, checkId, startedAt },
  });
  return driver;
}

type DriverArgs = ObjectType<typeof vDriver> & {
  workflowHandle: string;
  stepNumber: number;
  isMutation: boolean;
  dueAt: number;
};

/** A scheduled driver costs no transaction and no slot of the workpool. It queues with all scheduled functions. */
async function scheduleDriver(
  ctx: MutationCtx,
  args: DriverArgs,
): Promise<string> {
  const delayMs = Math.max(0, args.dueAt - Date.now());
  return await ctx.scheduler.runAfter(delayMs, internal.driving.drive, {
    ...args,
    usualLagMs: 100,
    holders: HOLDERS,
  });
}

/** A driver that executes actions is a job of the workpool, which limits how many run at a time. */
async function enqueueDriver(
  ctx: MutationCtx,
  run: Run,
  args: DriverArgs,
  config: Config,
) {
  const { workflowId, generationNumber, driver } = args;
  const job: Job = {
    type: "action",
    handle: await createFunctionHandle(internal.driving.drive),
    name: run.name ?? run.workflowHandle,
    args: {
      ...args,
      usualLagMs: 2000,
      // One slot of the workpool is for others.
      holders: Math.min(HOLDERS, config.maxParallelism - 1),
    },
    runAt: args.dueAt,
    onComplete: {
      handle: await createFunctionHandle(internal.driving.onComplete),
      context: { workflowId, generationNumber, driver },
    },
  };
  const [workId] = await enqueue(ctx, [job], config);
  return workId!;
}
