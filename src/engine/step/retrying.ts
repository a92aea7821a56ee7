import { backoffMs, varied } from "../../shared/retry.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Completion } from "./completing.js";
import { readConfig, type Config } from "../platform/config.js";
import { executeInPool } from "./dispatch.js";

/** A step whose attempt has failed, and how long it waits for the next. Null: its policy has none left. */
function nextAttempt({ row, run }: Completion) {
  const { retry } = row;
  const failedAttempts = (row.failedAttempts ?? 0) + 1;
  if (!retry || !(failedAttempts < retry.maxAttempts)) return null;
  const delayMs = backoffMs(retry, failedAttempts);
  return { step: { row: { ...row, failedAttempts }, run }, delayMs };
}

/** Makes the next attempt of a failed action due, if its policy has one left. */
export async function retryStep(
  ctx: MutationCtx,
  step: Completion,
  error: string,
): Promise<boolean> {
  const next = nextAttempt(step);
  if (!next) return false;
  next.delayMs = varied(next.delayMs);
  const config = await executeAgain(ctx, next.step, next);
  logRetry(config, next, error);
  return true;
}

/** Longer pauses would hold the driver's slots for too long. */
const LONGEST_PAUSE_MS = 2000;

/**
 * Records that the driver's attempt failed after `failedBefore` others. Returns how long the driver is to
 * wait until it makes the next attempt, or null if it shouldn't.
 */
export async function retryInDriver(
  ctx: MutationCtx,
  step: Completion,
  { failedBefore, error }: { failedBefore: number; error: string },
): Promise<number | null> {
  const failedAttempts = step.row.failedAttempts ?? 0;
  // The driver didn't learn that this call had committed.
  if (failedAttempts === failedBefore + 1) return LONGEST_PAUSE_MS;
  const next = failedAttempts === failedBefore ? nextAttempt(step) : null;
  if (!next || next.delayMs > LONGEST_PAUSE_MS) return null;
  // Only shorter: no unit of the pool's is rounded down here.
  next.delayMs *= 0.5 + Math.random() / 2;
  const { row } = next.step;
  await ctx.db.patch("steps", row._id, { failedAttempts: row.failedAttempts });
  logRetry(await readConfig(ctx), next, error);
  return next.delayMs;
}

function logRetry(
  { log }: Config,
  { step, delayMs }: NonNullable<ReturnType<typeof nextAttempt>>,
  error: string,
) {
  const { row, run } = step;
  log.event("attemptFailed", {
    workflowId: run._id,
    workflowName: run.name,
    stepId: row._id,
    stepNumber: row.stepNumber,
    stepName: row.step.name,
    name: row.step.name,
    status: "retrying",
    attempt: row.failedAttempts + 1,
    maxAttempts: row.retry?.maxAttempts,
    error,
    durationMs: delayMs,
  });
}

/** Enqueues a step in flight as a job of its own, in place of what was to execute it. */
export async function executeAgain(
  ctx: MutationCtx,
  { row, run }: Completion,
  { delayMs = 0 } = {},
) {
  const { step, stepNumber, failedAttempts } = row;
  if (!("functionType" in step))
    throw new Error(`Step ${stepNumber} of ${run._id} has no function`);
  const config = await readConfig(ctx);
  const due = { stepNumber, step, runAt: Date.now() + delayMs };
  const [workId] = await executeInPool(ctx, run, [due], config);
  await ctx.db.patch("steps", row._id, {
    failedAttempts,
    drivenBy: undefined,
    step: { ...step, workId },
  });
  return config;
}
