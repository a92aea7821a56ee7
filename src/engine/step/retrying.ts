import { isRetried, pauseMs } from "../../shared/retry.js";
import {
  LONGEST_DELAY_MS,
  MAX_ATTEMPT_ERROR_BYTES,
  MAX_ATTEMPTS,
} from "../../shared/limits.js";
import { shortenError } from "../../shared/storable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { PendingStep } from "./completing.js";
import { readConfig, type Config } from "../platform/config.js";
import { beginOfUnit } from "../platform/workpool.js";
import { detachDriver, startDriver, type DueStep } from "../run/driverState.js";
import { returnProgress } from "../run/progress.js";
import { executeInPool, type StepExecutor } from "./dispatch.js";

/** Schedules the next attempt of a failed action, if its policy allows one. */
export async function retryStep(
  ctx: MutationCtx,
  { row, run }: PendingStep,
  {
    error,
    startedAt,
    retryAt,
  }: { error: string; startedAt?: number; retryAt?: number },
): Promise<boolean> {
  const { retry, step } = row;
  if (!retry || !isRetried(row)) return false;
  const failedAttempts = (row.failedAttempts ?? 0) + 1;
  const delayMs =
    retryAt === undefined
      ? delayOf(pauseMs(retry, failedAttempts))
      : Math.min(Math.max(0, retryAt - Date.now()), LONGEST_DELAY_MS);
  const attempts = [
    ...(row.attempts ?? []),
    {
      startedAt: startedAt ?? row.dueAt ?? step.startedAt,
      endedAt: Date.now(),
      error: shortenError(error, MAX_ATTEMPT_ERROR_BYTES),
    },
  ].slice(-MAX_ATTEMPTS);
  const failed = { row: { ...row, failedAttempts, attempts }, run };
  const config = await readConfig(ctx);
  const byDriver =
    isOfLastDriver(failed) && (run.execution ?? config.execution) !== "pool";
  await executeAgain(ctx, failed, { delayMs, byDriver, config });
  config.log.event("attemptFailed", {
    workflowId: run._id,
    workflowName: run.name,
    stepId: row._id,
    stepNumber: row.stepNumber,
    stepName: step.name,
    name: step.name,
    status: "retrying",
    attempt: failedAttempts + 1,
    maxAttempts: retry.maxAttempts,
    error,
    durationMs: delayMs,
  });
  return true;
}

/** Uses the same rule as the workpool's own retries. */
function delayOf(pause: number) {
  const now = Date.now();
  return Math.max(0, beginOfUnit(now + pause) - now);
}

/** Whether the step's driver is still the run's newest. */
const isOfLastDriver = ({ row, run }: PendingStep) =>
  row.drivenBy !== undefined && row.drivenBy === run.drivers;

/**
 * Executes a step in flight again, by another driver, which continues the run from there, or as a separate job. It
 * doesn't run together with a turn, because that may be why it failed.
 */
export async function executeAgain(
  ctx: MutationCtx,
  { row, run }: PendingStep,
  {
    delayMs = 0,
    byDriver = false,
    config,
  }: { delayMs?: number; byDriver?: boolean; config?: Config } = {},
) {
  if (isOfLastDriver({ row, run })) await detachDriver(ctx, run);
  if (!byDriver) await returnProgress(ctx, run, row);
  const due = dueIn(delayMs, row);
  config ??= await readConfig(ctx);
  const [executor] = byDriver
    ? [{ drivenBy: await startDriver(ctx, run, due, config) }]
    : await executeInPool(ctx, run, [due], config);
  const { drivenBy, workId }: StepExecutor = executor!;
  await ctx.db.patch("steps", row._id, {
    failedAttempts: row.failedAttempts,
    attempts: row.attempts,
    dueAt: due.runAt,
    drivenBy,
    progress: row.progress as unknown,
    step: { ...due.step, workId },
  });
}

function dueIn(
  delayMs: number,
  { step, stepNumber, workflowId }: PendingStep["row"],
): DueStep {
  if (!("functionType" in step))
    throw new Error(`Step ${stepNumber} of ${workflowId} has no function`);
  return { stepNumber, step, runAt: Date.now() + delayMs };
}
