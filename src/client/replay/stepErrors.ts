import { ConvexError, type Value } from "convex/values";
import type { Outcome } from "../../shared/outcome.js";

/** Rejects an `awaitEvent` whose event did not come within its `timeout`. */
export class TimeoutError extends Error {
  override name = "TimeoutError";
  /** The name of the step, which is the event's. */
  readonly stepName: string;
  /** How long it was waited for, in milliseconds. */
  readonly ms: number;

  constructor(stepName: string, ms: number, message?: string) {
    super(message ?? `Timed out: no event "${stepName}" came within ${ms} ms.`);
    this.stepName = stepName;
    this.ms = ms;
  }
}

/** The error that a step's unsuccessful outcome is to its handler. */
export function toError(name: string, { result, failure }: Outcome): Error {
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
