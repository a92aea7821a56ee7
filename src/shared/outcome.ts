import { v, type Infer, type Validator } from "convex/values";
import { lazy } from "./lazy.js";
import { MAX_ROW_BYTES } from "./limits.js";
import {
  fitError,
  sizeOf,
  recordingProblem,
  storageProblem,
} from "./storable.js";

/** The parts of an error that its text doesn't contain. */
export const vFailure = /* @__PURE__ */ lazy(() =>
  v.union(
    v.object({ name: v.literal("ConvexError"), data: v.any() }),
    v.object({ name: v.literal("TimeoutError"), ms: v.number() }),
  ),
);
export type Failure = Infer<ReturnType<typeof vFailure>>;

/**
 * How a job, a step or a run ends. This isn't the workpool's validator, because only workpool 0.4.13 and later have
 * `errorData`, the data of a ConvexError.
 */
export type RunResult<Returns = unknown> =
  | { kind: "success"; returnValue: Returns }
  | { kind: "failed"; error: string; errorData?: any }
  | { kind: "canceled" };

/** The status of a run that has ended, as apps see it. */
export function finalStatus(result: RunResult) {
  switch (result.kind) {
    case "success":
      return { type: "completed" as const, result: result.returnValue };
    case "failed":
      return { type: "failed" as const, error: result.error };
    case "canceled":
      return { type: "canceled" as const };
  }
}

/** Like `vRunResult`, with a validator of the return value. */
export const vResultOf = <ReturnValue extends Validator<any, "required", any>>(
  returnValue: ReturnValue,
) =>
  v.union(
    v.object({ kind: v.literal("success"), returnValue }),
    v.object({
      kind: v.literal("failed"),
      error: v.string(),
      errorData: v.optional(v.any()),
    }),
    v.object({ kind: v.literal("canceled") }),
  );

export const vRunResult = /* @__PURE__ */ lazy(() => vResultOf(v.any()));

export interface Outcome {
  result: RunResult;
  failure?: Failure | undefined;
}

/**
 * A result as it is stored. Tables never hold `errorData` in a result, because the schema of 0.4.8
 * with an older workpool refuses that. The data becomes the failure next to the result.
 */
export function toOutcome(result: RunResult, failure?: Failure): Outcome {
  if (result.kind !== "failed" || result.errorData === undefined)
    return { result, failure };
  const { error, errorData: data } = result;
  return {
    result: { kind: "failed", error },
    failure: failure ?? { name: "ConvexError", data },
  };
}

/**
 * The outcome as it can be stored in `room` bytes. `problemOf` explains why a value can't be. That is then the error of
 * a failure. A long error is truncated, and its data is dropped if it doesn't fit.
 */
export function fittingOutcome(
  outcome: Outcome,
  room: number,
  problemOf: (value: unknown) => string | undefined,
): Outcome {
  const { result, failure } = toOutcome(outcome.result, outcome.failure);
  if (result.kind === "canceled") return { result };
  if (result.kind === "success") {
    const returnValue = result.returnValue ?? null;
    const problem = problemOf(returnValue);
    if (problem === undefined) return { result: { ...result, returnValue } };
    return { result: { kind: "failed", error: fitError(problem, room) } };
  }
  const error = fitError(result.error, room);
  const fits =
    failure?.name !== "ConvexError" ||
    (storageProblem("data", failure.data) === undefined &&
      sizeOf(failure.data) + sizeOf(error) <= room);
  return {
    result: { kind: "failed", error },
    failure: fits ? failure : undefined,
  };
}

/** Returns the outcome if it fits into a row with the step's arguments, or else a failure that explains why not. */
export function storableOutcome(
  step: { name: string; args: unknown },
  outcome: Outcome,
): Outcome {
  const room = MAX_ROW_BYTES - sizeOf(step.args);
  const what = `The return value of step "${step.name}"`;
  return fittingOutcome(
    outcome,
    room,
    (value) =>
      recordingProblem(what, value) ??
      tooLargeTogether(what, sizeOf(value), room),
  );
}

function tooLargeTogether(what: string, size: number, room: number) {
  if (size <= room) return undefined;
  return (
    `${what} is too large to be kept beside its arguments: ${size} bytes, ` +
    `with ${MAX_ROW_BYTES - room} bytes of arguments; the maximum together is ${MAX_ROW_BYTES} bytes.`
  );
}
