import type { RunSummary, ConsoleStep } from "../api.js";
import { outcomeOf, type SegmentKind } from "../timeline/segments.js";

/** How many steps are done. Of those in flight, the server counts only the first. */
export function doneOf({ count, inFlight }: RunSummary["steps"]): number {
  return Math.max(0, count - (parseInt(String(inFlight)) || 0));
}

/** What a step is, in a word. */
export function kindOf(step: Pick<ConsoleStep, "kind" | "functionType">) {
  return step.kind === "function"
    ? (step.functionType ?? "function")
    : step.kind;
}

/** The state of a step in flight, or how it ended. */
export function stateOf(step: ConsoleStep): SegmentKind {
  const state = outcomeOf(step) ?? step.state;
  return state === "done" ? "canceled" : state;
}

/** A list has no more attempts than this, the last ones. */
const LISTED_ATTEMPTS = 10;

/** `Attempt 2 of 5`. If there may have been earlier attempts, it counts from the last. */
export function attemptLabel(
  { attempts, maxAttempts }: Pick<ConsoleStep, "attempts" | "maxAttempts">,
  index: number,
): string {
  if (
    attempts.length >= LISTED_ATTEMPTS &&
    (maxAttempts ?? Infinity) > LISTED_ATTEMPTS
  ) {
    const before = attempts.length - 1 - index;
    return before === 0 ? "Last attempt" : `${before} before the last`;
  }
  return maxAttempts === undefined
    ? `Attempt ${index + 1}`
    : `Attempt ${index + 1} of ${maxAttempts}`;
}
