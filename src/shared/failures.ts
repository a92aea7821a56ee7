import { isNonRetryableError } from "@convex-dev/workpool";

/** What is kept of an error that a step's function threw. */
export interface DescribedFailure {
  error: string;
  failure?: { name: "ConvexError"; data: unknown };
  /** Its thrower said that retries would not help. */
  nonRetryable?: boolean;
}

const CONVEX_ERROR = Symbol.for("ConvexError");

export function describeFailure(thrown: unknown): DescribedFailure {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (!isConvexError(thrown)) return { error: message };
  const failure = { name: "ConvexError" as const, data: thrown.data ?? null };
  if (!isNonRetryableError(thrown)) return { error: message, failure };
  // Its own message is its data as JSON.
  const { message: error } = thrown.data as { message: string };
  return { error, failure, nonRetryable: true };
}

// Not `instanceof`: the error may come from another copy of the class.
function isConvexError(thrown: unknown): thrown is { data: unknown } {
  return (
    typeof thrown === "object" && thrown !== null && CONVEX_ERROR in thrown
  );
}
