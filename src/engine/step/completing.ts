import { MAX_ROW_BYTES } from "../../shared/limits.js";
import { storableOutcome, type Outcome } from "../../shared/outcome.js";
import { sizeOf } from "../../shared/storable.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { StepExecution } from "../../component/schema.js";
import { readLog, type Config } from "../platform/config.js";
import { detachDriver, bumpRevision } from "../run/driverState.js";
import {
  functionTypeOf,
  lastStep,
  stepAt,
  type Run,
  type StepRow,
} from "../run/runs.js";
import { resultMatters, wake } from "../run/waking.js";
import { unawaitedStep } from "../run/warnings.js";

export type { Outcome };

export interface PendingStep {
  row: StepRow;
  run: Run;
}

/**
 * The step and its run, if this execution's result is still needed. Null if the step has a result, was cleaned up, or
 * was ended by a cancel or restart.
 */
export async function awaitedStep(
  ctx: MutationCtx,
  { workflowId, stepNumber, generationNumber }: StepExecution,
): Promise<PendingStep | null> {
  const row = await stepAt(ctx, workflowId, stepNumber);
  return await awaitedRow(ctx, row, generationNumber);
}

/** As `awaitedStep`, by the step's row. */
export async function awaitedRow(
  ctx: MutationCtx,
  row: StepRow | null,
  generationNumber: number,
): Promise<PendingStep | null> {
  if (!row?.step.inProgress || row.unstarted) return null;
  const run = await ctx.db.get("workflows", row.workflowId);
  if (run?.generationNumber !== generationNumber) return null;
  return { row, run };
}

/** Records a step's result once. Schedules a turn if the handler may be waiting for it. */
export async function recordResult(
  ctx: MutationCtx,
  { row, run }: PendingStep,
  outcome: Outcome,
  config?: Config,
) {
  if (run.cleanedUp) return await deleteLeftover(ctx, { row, run });
  const { result, failure } = storableOutcome(row.step, outcome);
  const completedAt = Date.now();
  row.step = {
    ...row.step,
    inProgress: false,
    runResult: result,
    completedAt,
  };
  row.failure = failure;
  row.attempts = attemptsBeside(row, { result, failure });
  await bumpRevision(ctx, run);
  await ctx.db.patch("steps", row._id, {
    step: row.step,
    failure,
    attempts: row.attempts,
  });
  const log = config?.log ?? (await readLog(ctx));
  logCompleted({ log }, run, row, row.step);
  if (run.runResult && row.wakes === "never" && result.kind === "failed")
    log.warn(unawaitedStep(run, row.stepNumber, row.step.name, result));
  // The losers of a race continue after the run's end, but wake nothing. A restart that takes further transactions
  // wakes the run itself.
  if (run.runResult || run.restarting) return;
  if (await resultMatters(ctx, run, row, result.kind === "success"))
    await wake(ctx, run);
}

/** The failed attempts that a step keeps, or none if its result wouldn't fit beside them. */
export function attemptsBeside(
  { step, attempts }: StepRow,
  { result, failure }: Outcome,
) {
  const size = () =>
    sizeOf(step.args) + sizeOf(result) + sizeOf(failure) + sizeOf(attempts);
  return attempts && size() > MAX_ROW_BYTES ? undefined : attempts;
}

/** Records the step that a driver executed, in the turn that follows. */
export async function writeCompleted(
  ctx: MutationCtx,
  run: Run,
  {
    stepId,
    stepNumber,
    ...fields
  }: Pick<StepRow, "stepNumber" | "step" | "failure" | "delivery"> & {
    stepId: Id<"steps">;
  },
  config: Config,
) {
  await ctx.db.patch("steps", stepId, fields);
  logCompleted(config, run, { _id: stepId, stepNumber }, fields.step);
}

/** Deletes a function step whose run was cleaned up while it was in flight. Cleanup deletes all other steps itself. */
async function deleteLeftover(ctx: MutationCtx, { row, run }: PendingStep) {
  if (!functionTypeOf(row.step)) return;
  await ctx.db.delete("steps", row._id);
  await deleteEmptyRun(ctx, run);
}

/** Deletes the row of a cleaned-up run once its last step is gone. */
export async function deleteEmptyRun(ctx: MutationCtx, run: Run) {
  if (await lastStep(ctx, run._id)) return;
  await detachDriver(ctx, run);
  await ctx.db.delete("workflows", run._id);
}

/**
 * As `recordResult`, for a function that may have canceled, restarted or cleaned up its own run. Its effects commit,
 * so its result is recorded if the step still exists.
 */
export async function recordLateResult(
  ctx: MutationCtx,
  stepId: Id<"steps">,
  outcome: Outcome,
) {
  const row = await ctx.db.get("steps", stepId);
  const run = row && (await ctx.db.get("workflows", row.workflowId));
  if (!row?.step.inProgress || !run) return;
  if (row.unstarted)
    await ctx.db.patch("steps", row._id, { unstarted: undefined });
  await recordResult(ctx, { row, run }, outcome);
}

export function logCompleted(
  { log }: Pick<Config, "log">,
  run: Run,
  { _id, stepNumber }: Pick<StepRow, "_id" | "stepNumber">,
  { name, runResult, startedAt, completedAt }: StepRow["step"],
) {
  log.event("stepCompleted", {
    workflowId: run._id,
    workflowName: run.name,
    stepId: _id,
    stepNumber,
    stepName: name,
    name,
    status: runResult?.kind,
    durationMs: (completedAt ?? startedAt) - startedAt,
  });
}
