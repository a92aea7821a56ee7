import type { StepOutcome } from "../../shared/driverProtocol.js";
import { varied } from "../../shared/retry.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Completion, Outcome } from "./completing.js";
import { wasRefused } from "../platform/platformErrors.js";
import { executeAgain, retryStep } from "./retrying.js";
import { functionTypeOf } from "../run/runs.js";

/** About how long a step that the platform refused to start waits before it is tried again. */
const REFUSED_FOR_MS = 2000;

/** The result that an attempt of an action gives its step; null when another attempt is due instead. */
export async function concludeAttempt(
  ctx: MutationCtx,
  step: Completion,
  outcome: StepOutcome | { kind: "canceled" },
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
 * Goes on with a step whose job or driver ended without telling what came of it. `died` says why. A query
 * or mutation has not happened, or it would be recorded; an action may have.
 */
export async function takeOver(
  ctx: MutationCtx,
  step: Completion,
  { error }: { error: string },
): Promise<Outcome | null> {
  const isAction = functionTypeOf(step.row.step) === "action";
  if (isAction && !wasRefused(error))
    return await concludeAttempt(ctx, step, {
      kind: "failed",
      error: `The action's outcome is unknown, it may have run: ${error}`,
    });
  const delayMs = wasRefused(error) ? varied(REFUSED_FOR_MS) : 0;
  await executeAgain(ctx, step, { delayMs });
  return null;
}
