import { backoffMs, varied } from "../shared/retry.js";
import type { MutationCtx } from "./_generated/server.js";
import type { Completion } from "./completing.js";
import { readConfig } from "./config.js";
import { executeInPool } from "./execution.js";

/** Makes the next attempt of a failed action due, if its policy has one left. */
export async function retryStep(
  ctx: MutationCtx,
  { row, run }: Completion,
  error: string,
): Promise<boolean> {
  const { retry, step } = row;
  if (!retry || !("functionType" in step)) return false;
  const failedAttempts = (row.failedAttempts ?? 0) + 1;
  if (!(failedAttempts < retry.maxAttempts)) return false;
  const delayMs = varied(backoffMs(retry, failedAttempts));
  const { log } = await executeAgain(
    ctx,
    { row: { ...row, failedAttempts }, run },
    { delayMs },
  );
  log.event("attemptFailed", {
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
