import { varied } from "../shared/retry.js";
import type { MutationCtx } from "./_generated/server.js";
import type { Completion, Outcome } from "./completing.js";
import type { ActionOutcome } from "./execute.js";
import { wasRefused } from "./platformErrors.js";
import { executeAgain, retryStep } from "./retrying.js";

/** About how long a step that the platform refused to start waits before it is tried again. */
const REFUSED_FOR_MS = 2000;

/** What to wait before a step is executed again whose execution ended so. */
export const pauseAfter = (error: string) => ({
  delayMs: wasRefused(error) ? varied(REFUSED_FOR_MS) : 0,
});

/** The result that an attempt of an action gives its step; null when another attempt is due instead. */
export async function concludeAttempt(
  ctx: MutationCtx,
  step: Completion,
  outcome: ActionOutcome | { kind: "canceled" },
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
      if (!nonRetryable && (await retryStep(ctx, step, error))) return null;
      return { result: { kind: "failed", error }, failure };
    }
  }
}

/** An attempt that never told what came of it: the pool says why. */
export function actionDied({ error }: { error: string }): ActionOutcome {
  if (wasRefused(error)) return { kind: "refused" };
  return {
    kind: "failed",
    error: `The action's outcome is unknown, it may have run: ${error}`,
  };
}
