import { MAX_ROW_BYTES } from "../../shared/limits.js";
import type { Logger } from "../../shared/logging.js";
import {
  storableOutcome,
  type Outcome,
  type RunResult,
} from "../../shared/outcome.js";
import { sizeOf } from "../../shared/storable.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { StepExecution } from "../../component/schema.js";
import { readLog, type Config } from "../platform/config.js";
import { detachDriver, bumpRevision } from "../run/driverState.js";
import { returnProgress } from "../run/progress.js";
import {
  functionTypeOf,
  lastStep,
  runOf,
  stepAt,
  type Run,
  type StepRow,
} from "../run/runs.js";
import { resultMatters, wake } from "../run/waking.js";
import { logStep, unawaitedStep } from "../run/warnings.js";

export type { Outcome };

export interface PendingStep {
  row: StepRow;
  run: Run;
}

/**
 * Returns the step and its run if this execution's result is still needed. Returns null if the step has a result, was
 * cleaned up, or was ended by a cancel or restart.
 */
export async function awaitedStep(
  ctx: MutationCtx,
  { workflowId, stepNumber, generationNumber }: StepExecution,
): Promise<PendingStep | null> {
  const row = await stepAt(ctx, workflowId, stepNumber);
  return await awaitedRow(ctx, row, generationNumber);
}

/** Like `awaitedStep`, by the step's row. */
export async function awaitedRow(
  ctx: MutationCtx,
  row: StepRow | null,
  generationNumber: number,
): Promise<PendingStep | null> {
  if (!row?.step.inProgress || row.unstarted) return null;
  const run = await runOf(ctx, { ...row, generationNumber });
  return run && { row, run };
}

/** Records a step's result once. Schedules a turn if the handler may be waiting for it. */
export async function recordResult(
  ctx: MutationCtx,
  { row, run }: PendingStep,
  outcome: Outcome,
  config?: Config,
) {
  if (run.cleanedUp) return await deleteLeftover(ctx, { row, run });
  const log = config?.log ?? (await readLog(ctx));
  await bumpRevision(ctx, run);
  await returnProgress(ctx, run, row);
  const storable = storableOutcome(row.step, outcome);
  const { result } = storable;
  await complete(ctx, { row, run }, storable, log);
  if (run.runResult && row.wakes === "never" && result.kind === "failed")
    log.warn(unawaitedStep(run, row.stepNumber, row.step.name, result));
  // The losers of a race continue after the run's end, but wake nothing. A restart that takes further transactions
  // wakes the run itself.
  if (run.runResult || run.restarting) return;
  if (await resultMatters(ctx, run, row, result.kind === "success"))
    await wake(ctx, run);
}

/**
 * Writes the result of a step in flight, in its storable form. Every step completes here, however it was executed. Only
 * `recordResult` and the commit of a driver's turn call this.
 */
export async function complete(
  ctx: MutationCtx,
  { row, run }: PendingStep,
  { result, failure }: Outcome,
  log: Logger,
  delivery?: StepRow["delivery"],
) {
  const changes = {
    step: withResult(row.step, result),
    failure,
    attempts: attemptsBeside(row, { result, failure }),
    delivery,
    progress: undefined,
  };
  Object.assign(row, changes);
  await ctx.db.patch("steps", row._id, changes);
  logCompleted({ log }, run, row);
}

/** Returns a step with its result. */
export const withResult = <Step extends StepRow["step"]>(
  step: Step,
  runResult: RunResult,
): Step => ({ ...step, inProgress: false, runResult, completedAt: Date.now() });

/** Returns the failed attempts that a step keeps, or none if they and its result wouldn't fit into one row. */
function attemptsBeside(
  { step, attempts }: StepRow,
  { result, failure }: Outcome,
) {
  const size = () =>
    sizeOf(step.args) + sizeOf(result) + sizeOf(failure) + sizeOf(attempts);
  return attempts && size() > MAX_ROW_BYTES ? undefined : attempts;
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
 * Like `recordResult`, for a function that may have canceled, restarted or cleaned up its own run. Its effects commit,
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
  config: Pick<Config, "log">,
  run: Run,
  row: StepRow,
) {
  const { name, runResult, startedAt, completedAt } = row.step;
  logStep(config, "stepCompleted", run, row, {
    name,
    status: runResult?.kind,
    durationMs: (completedAt ?? startedAt) - startedAt,
  });
}
