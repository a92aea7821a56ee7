import type { ObjectType } from "convex/values";
import type { vDriver } from "../../component/schema.js";
import type { StepOutcome } from "../../shared/driverProtocol.js";
import { varied } from "../../shared/retry.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { recordResult, type PendingStep, type Outcome } from "./completing.js";
import { wasRefused } from "../platform/platformErrors.js";
import { executeAgain, retryStep } from "./retrying.js";
import { detachDriver, driverOf } from "../run/driverState.js";
import { functionTypeOf } from "../run/runs.js";
import { wake } from "../run/waking.js";

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
