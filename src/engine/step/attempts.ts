import type { ObjectType } from "convex/values";
import type { StepOutcome } from "../../shared/driverProtocol.js";
import {
  LONGEST_DELAY_MS,
  MAX_ATTEMPT_ERROR_BYTES,
  MAX_ATTEMPTS,
} from "../../shared/limits.js";
import { isRetried, pauseMs, varied } from "../../shared/retry.js";
import { shortenError } from "../../shared/storable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { vDriver } from "../../component/schema.js";
import { readConfig, type Config } from "../platform/config.js";
import { wasRefused } from "../platform/platformErrors.js";
import { beginOfUnit } from "../platform/workpool.js";
import {
  detachDriver,
  driverOf,
  startDriver,
  type DueStep,
} from "../run/driverState.js";
import { returnProgress } from "../run/progress.js";
import { functionTypeOf } from "../run/runs.js";
import { wake } from "../run/waking.js";
import { logStep } from "../run/warnings.js";
import { recordResult, type Outcome, type PendingStep } from "./completing.js";
import { executeInPool, type StepExecutor } from "./dispatch.js";

/** Roughly how long a step waits after the platform refused to start it. */
const REFUSED_FOR_MS = 2000;

type AttemptOutcome = StepOutcome | { kind: "canceled" };

/** Completes an action's step with the result of an attempt, unless another attempt is due. */
export async function recordAttempt(
  ctx: MutationCtx,
  step: PendingStep,
  outcome: AttemptOutcome,
) {
  const concluded = await concludeAttempt(ctx, step, outcome);
  if (concluded) await recordResult(ctx, step, concluded);
}

/** The result of an action's attempt for its step. Null if another attempt is due instead. */
export async function concludeAttempt(
  ctx: MutationCtx,
  step: PendingStep,
  outcome: AttemptOutcome,
): Promise<Outcome | null> {
  switch (outcome.kind) {
    case "success":
    case "canceled":
      return { result: outcome };
    case "refused":
      await executeAgain(ctx, step, { delayMs: varied(REFUSED_FOR_MS) });
      return null;
    case "failed": {
      const { error, failure, nonRetryable } = outcome;
      if (!nonRetryable && (await retryStep(ctx, step, outcome))) return null;
      return { result: { kind: "failed", error }, failure };
    }
  }
}

/**
 * Handles a step whose job or driver exited without reporting a result. A query or mutation didn't happen, because it
 * would be recorded. An action may have happened.
 */
export async function takeOver(
  ctx: MutationCtx,
  step: PendingStep,
  { error } = { error: "its job ended without reporting a result" },
) {
  const isAction = functionTypeOf(step.row.step) === "action";
  if (isAction && !wasRefused(error))
    return await recordAttempt(ctx, step, {
      kind: "failed",
      error: `The action's outcome is unknown, it may have run: ${error}`,
    });
  const delayMs = wasRefused(error) ? varied(REFUSED_FOR_MS) : 0;
  await executeAgain(ctx, step, { delayMs });
}

/** Detaches a driver. Then `settle` continues its step or, if it has none, the run takes a turn. */
export async function replaceDriver(
  ctx: MutationCtx,
  id: ObjectType<typeof vDriver>,
  settle: (step: PendingStep) => Promise<void>,
  options?: { inWatchdog: boolean },
) {
  const found = await driverOf(ctx, id);
  if (!found) return;
  const { run, row } = found;
  await detachDriver(ctx, run, options);
  if (row) await settle({ row, run });
  else if (!run.runResult) await wake(ctx, run);
}

/** Schedules the next attempt of a failed action, if its policy allows one. */
async function retryStep(
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
  logStep(config, "attemptFailed", run, row, {
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
 * Executes a step in flight again, as a separate job, so not together with a turn, because that may be why it failed.
 * With `byDriver`, another driver executes it and continues the run from there.
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
