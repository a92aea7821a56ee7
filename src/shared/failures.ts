import { convexToJson, type Value } from "convex/values";
import { RETRY_AFTER } from "./retryAfter.js";
import { preview, storageProblem, withoutHalves } from "./storable.js";

/** The stored part of an error that a step's function or a handler threw. */
export interface DescribedFailure {
  error: string;
  failure?: { name: "ConvexError"; data: unknown };
}

const CONVEX_ERROR = Symbol.for("ConvexError");

/** Describes any thrown value. Never throws. */
export function describeFailure(thrown: unknown): DescribedFailure {
  const error = errorMessage(thrown);
  try {
    if (!isConvexError(thrown)) return { error };
    const data = thrown.data ?? null;
    if (!isStorable(data)) return { error };
    return {
      // A ConvexError's own message is its data as JSON.
      error: isMarked(data) ? withoutHalves(data.message) : error,
      failure: { name: "ConvexError", data },
    };
  } catch {
    return { error };
  }
}

/** Marks the data of workpool's `NonRetryableError`. Importing that would take 5 % of the time to evaluate an app's module. */
export const NON_RETRYABLE = "__convexWorkpoolNonRetryable";

/** Whether this is the data of an error that controls retries. */
const isMarked = (data: unknown): data is { message: string } =>
  typeof data === "object" &&
  data !== null &&
  (NON_RETRYABLE in data || RETRY_AFTER in data) &&
  "message" in data &&
  typeof data.message === "string";

/** Returns a readable text for any thrown value. */
export function errorMessage(thrown: unknown): string {
  try {
    return withoutHalves(
      thrown instanceof Error ? messageOf(thrown) : textOf(thrown),
    );
  } catch {
    return "A value was thrown that can't be shown.";
  }
}

function messageOf({ message, name }: { message: unknown; name: string }) {
  return message === "" ? name : textOf(message);
}

function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { toString } = value as { toString?: () => unknown };
  const text =
    typeof toString === "function" ? String(toString.call(value)) : "";
  return text === "" || text.startsWith("[object ")
    ? preview(value, MAX_SHOWN_BYTES)
    : text;
}

const MAX_SHOWN_BYTES = 1024;

function isStorable(data: unknown): boolean {
  try {
    convexToJson(data as Value);
    return storageProblem("data", data) === undefined;
  } catch {
    return false;
  }
}

// Not `instanceof`, because the error may come from another copy of the class.
function isConvexError(thrown: unknown): thrown is { data: unknown } {
  return (
    typeof thrown === "object" && thrown !== null && CONVEX_ERROR in thrown
  );
}

/** The errors of Convex and convex-test about a function's arguments. */
export const ARGUMENTS_REFUSED = /^(ArgumentValidationError|Validator error)\b/;
