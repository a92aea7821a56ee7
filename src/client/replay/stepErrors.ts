import { ConvexError, type Value } from "convex/values";
import type { Outcome } from "../../shared/outcome.js";
import type { StepRequest } from "./journal.js";

/** Your `awaitEvent` rejects with this error if no event arrives within its `timeout`. */
export class TimeoutError extends Error {
  override name = "TimeoutError";
  /** The name of the step, which is the event's. */
  readonly stepName: string;
  /** The `timeout`, in milliseconds. */
  readonly ms: number;

  constructor(stepName: string, ms: number, message?: string) {
    super(message ?? `Timed out: no event "${stepName}" came within ${ms} ms.`);
    this.stepName = stepName;
    this.ms = ms;
  }
}

/** The request of the step that each error came from. */
const requests = new WeakMap<object, StepRequest>();

/** Converts a step's failure to the error that its handler gets. */
export function stepError(request: StepRequest, outcome: Outcome): Error {
  const error = toError(request.name, outcome);
  requests.set(error, request);
  return error;
}

/** The request of the step whose error a handler didn't catch. Undefined if the handler itself threw. */
export const stepOfError = (error: unknown) => requests.get(error as object);

function toError(name: string, { result, failure }: Outcome): Error {
  if (result.kind !== "failed") return new Error("Canceled");
  switch (failure?.name) {
    case undefined:
      return new Error(result.error);
    case "TimeoutError":
      return new TimeoutError(name, failure.ms, result.error);
    case "ConvexError": {
      const error = new ConvexError(failure.data as Value);
      error.message = result.error;
      return error;
    }
  }
}
