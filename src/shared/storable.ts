import { getConvexSize, type Value } from "convex/values";
import {
  MAX_ARRAY_LENGTH,
  MAX_ERROR_LENGTH,
  MAX_OBJECT_FIELDS,
  MAX_PREVIEW_LENGTH,
  MAX_RESULT_BYTES,
  MAX_VALUE_NESTING,
} from "./limits.js";

/** Cuts an error that is too long to be kept beside everything else in a row. */
export function shortenError(error: string, max = MAX_ERROR_LENGTH): string {
  if (error.length <= max) return error;
  const note = ` … (${error.length} characters, cut to ${max})`;
  return error.slice(0, max - note.length) + note;
}

export function sizeOf(value: unknown): number {
  return getConvexSize(value as Value);
}

/**
 * Why `value` can't be stored in a document although it may be passed between functions,
 * or undefined when it can. `what` names the value in the text.
 */
export function whyNotStorable(
  what: string,
  value: unknown,
): string | undefined {
  const shape = shapeProblem(value, MAX_VALUE_NESTING);
  return shape && `${what} can't be stored: ${shape}`;
}

/** As `whyNotStorable`, for a step's return value or an event's value, whose size is bounded too. */
export function whyNotRecordable(
  what: string,
  value: unknown,
): string | undefined {
  const shape = whyNotStorable(what, value);
  if (shape) return shape;
  const size = sizeOf(value);
  if (size <= MAX_RESULT_BYTES) return undefined;
  return (
    `${what} is too large: ${size} bytes, the maximum is ${MAX_RESULT_BYTES} bytes. ` +
    `Store it in a table or a file and return its id. It begins: ${preview(value)}`
  );
}

function shapeProblem(value: unknown, depthLeft: number): string | undefined {
  if (value === null || typeof value !== "object") return undefined;
  if (value instanceof ArrayBuffer) return undefined;
  if (depthLeft === 0)
    return `it is nested more than ${MAX_VALUE_NESTING} levels deep`;
  if (Array.isArray(value)) {
    if (value.length > MAX_ARRAY_LENGTH)
      return `it holds an array of ${value.length} elements, the maximum is ${MAX_ARRAY_LENGTH}`;
    return firstProblem(value, depthLeft);
  }
  const fields = Object.values(value);
  if (fields.length > MAX_OBJECT_FIELDS)
    return `it holds an object of ${fields.length} fields, the maximum is ${MAX_OBJECT_FIELDS}`;
  return firstProblem(fields, depthLeft);
}

function firstProblem(
  values: unknown[],
  depthLeft: number,
): string | undefined {
  for (const inner of values) {
    const problem = shapeProblem(inner, depthLeft - 1);
    if (problem) return problem;
  }
  return undefined;
}

/** The beginning of a value as JSON, without serialising the whole of a large string first. */
export function preview(value: unknown, max = MAX_PREVIEW_LENGTH): string {
  const text =
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner === "string") return inner.slice(0, max);
      if (typeof inner === "bigint") return `${inner}n`;
      if (inner instanceof ArrayBuffer) return `<${inner.byteLength} bytes>`;
      return inner;
    }) ?? "undefined";
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
