import { NonRetryableError } from "@convex-dev/workpool";
import type { Outcome } from "../../shared/outcome.js";
import type { Plan } from "./program.js";

/** Returns the outcome of a step whose arguments can't be stored. */
export const refusalOf = (name: string): Outcome => ({
  result: {
    kind: "failed",
    error: `The arguments of step "${name}" can't be stored: it holds a string with half a character (a lone surrogate)`,
  },
});

/** Returns the final outcome of a step's function according to its plan. */
export function outcomeOf({ id, ends }: Plan): Outcome {
  switch (ends) {
    case "ok":
      return { result: { kind: "success", returnValue: valueOf(id) } };
    case "fail":
      return { result: { kind: "failed", error: failureOf(id) } };
    case "convexError":
      return failedWith(JSON.stringify(dataOf(id)), dataOf(id));
    case "nonRetryable":
      return failedWith(failureOf(id), nonRetryable(id).data);
  }
}

const failedWith = (error: string, data: unknown): Outcome => ({
  result: { kind: "failed", error },
  failure: { name: "ConvexError", data },
});

export const nonRetryable = (id: number) =>
  new NonRetryableError(failureOf(id));
/** Returns a new array each time, because handlers change it in place. */
export const valueOf = (id: number) => [`r${id}`];
export const failureOf = (id: number) => `step ${id} failed`;
export const dataOf = (id: number) => ({ failed: id });
