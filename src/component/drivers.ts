import { createFunctionHandle } from "convex/server";
import { v, type ObjectType } from "convex/values";
import { drivenStep, stepCallFields } from "../shared/driverProtocol.js";
import { internal } from "./_generated/api.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";
import type { Config } from "./config.js";
import type { DueStep } from "./execution.js";
import { cancelJob, enqueue, stateOf } from "./pooling.js";
import { stepsInFlight, type Run, type StepRow } from "./runs.js";
import { cancelScheduled } from "./scheduling.js";

/**
 * Tells a run's driver, if it has one, that the copy of the journal that it holds is out of date. Once:
 * the results of a fan-out beside it would meet in the run's row.
 */
export async function noteChange(ctx: MutationCtx, run: Run) {
  const { driver, revision = 0 } = run;
  if (driver?.revision !== revision) return;
  run.revision = revision + 1;
  await ctx.db.patch("workflows", run._id, { revision: run.revision });
}

/** The run's driver is given a new copy of the journal. */
export async function noteCopy(ctx: MutationCtx, run: Run) {
  const { driver, revision = 0 } = run;
  if (!driver || driver.revision === revision) return;
  run.driver = { ...driver, revision };
  await ctx.db.patch("workflows", run._id, { driver: run.driver });
}

/** One driver of a run, as a job and a check name it. */
export const vDriver = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
  driver: v.number(),
};

/** The step in flight that a run's driver has to execute. */
export async function stepOfDriver(ctx: QueryCtx, run: Run) {
  for await (const row of stepsInFlight(ctx, run._id).order("desc"))
    if (row.drivenBy === run.drivers && !row.unstarted) return row;
  return undefined;
}

/** The run, if `driver` is still its driver, and the step that it has to execute. */
export async function driverOf(
  ctx: QueryCtx,
  id: ObjectType<typeof vDriver>,
): Promise<{ run: Run; row: StepRow | undefined } | null> {
  const run = await ctx.db.get("workflows", id.workflowId);
  if (run?.generationNumber !== id.generationNumber) return null;
  if (!run.driver || run.drivers !== id.driver) return null;
  return { run, row: await stepOfDriver(ctx, run) };
}

/** The driver is done, or to be held dead: from here on what it does changes nothing. */
export async function dismissDriver(ctx: MutationCtx, run: Run) {
  if (!run.driver) return;
  await cancelScheduled(ctx, run.driver.checkId);
  await forgetDriver(ctx, run);
}

/** As `dismissDriver`, in the check itself: what a canceled function schedules would not come about. */
export async function forgetDriver(ctx: MutationCtx, run: Run) {
  run.driver = undefined;
  await ctx.db.patch("workflows", run._id, { driver: undefined });
}

/** As `dismissDriver`; and if its job has not begun, it won't. */
export async function releaseDriver(ctx: MutationCtx, run: Run) {
  if (!run.driver) return;
  if ((await stateOf(ctx, run.driver.workId)) === "pending")
    await cancelJob(ctx, run.driver.workId);
  await dismissDriver(ctx, run);
}

/** A driver's first step. No deeper than a job of its own would hold it: documents nest 16 deep at most. */
export const vFirstStep = {
  stepNumber: v.number(),
  functionType: v.optional(stepCallFields.functionType),
  handle: v.optional(v.string()),
  args: v.optional(v.any()),
  name: v.optional(v.string()),
};

/** A driver that has not got on with a query or mutation for so long is replaced. */
export const DRIVER_CHECK_MS = 60_000;

/** Enqueues a driver to execute `due` and what follows it. Returns its number. */
export async function startDriver(
  ctx: MutationCtx,
  run: Run,
  due: DueStep,
  config: Config,
): Promise<number> {
  await dismissDriver(ctx, run);
  const driver = (run.drivers ?? 0) + 1;
  const id = {
    workflowId: run._id,
    generationNumber: run.generationNumber,
    driver,
  };
  const [workId] = await enqueue(
    ctx,
    [
      {
        type: "action",
        handle: await createFunctionHandle(internal.driving.drive),
        name: run.name ?? run.workflowHandle,
        args: {
          ...id,
          workflowHandle: run.workflowHandle,
          stepNumber: due.stepNumber,
          ...drivenStep(due).call,
        },
        runAt: due.runAt,
        onComplete: {
          handle: await createFunctionHandle(internal.recovering.onComplete),
          context: id,
          exclude: ["success"],
        },
      },
    ],
    config,
    run,
  );
  const checkId = await ctx.scheduler.runAfter(
    DRIVER_CHECK_MS,
    internal.recovering.check,
    { ...id, stepNumber: due.stepNumber, afterMs: DRIVER_CHECK_MS },
  );
  run.drivers = driver;
  run.driver = { workId: workId!, checkId };
  await ctx.db.patch("workflows", run._id, {
    drivers: driver,
    driver: run.driver,
  });
  return driver;
}
