import type { RunSummary, ConsoleStep } from "../api.js";
import { outcomeOf, type SegmentKind } from "../timeline/segments.js";

/** Returns the number of completed steps. The server counts only the first steps in flight. */
export function doneOf({ count, inFlight }: RunSummary["steps"]): number {
  return Math.max(0, count - (parseInt(String(inFlight)) || 0));
}

/** Returns a step's kind in one word. */
export function kindOf(step: Pick<ConsoleStep, "kind" | "functionType">) {
  return step.kind === "function"
    ? (step.functionType ?? "function")
    : step.kind;
}

/** Returns the state of a step in flight, or the kind of its result. */
export function stateOf(step: ConsoleStep): SegmentKind {
  const state = outcomeOf(step) ?? step.state;
  return state === "done" ? "canceled" : state;
}

/** The server lists at most this many attempts, the last ones. */
const LISTED_ATTEMPTS = 10;

/** Returns a label such as `Attempt 2 of 5`. If earlier attempts may be missing, it counts from the last. */
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
