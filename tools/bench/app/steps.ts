import {
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v, type ObjectType } from "convex/values";
import { clock } from "../clock.js";
import { progress } from "./progress.js";

// Steps that read and write nothing, so that all counts belong to their execution.

const args = {
  i: v.number(),
  /** How large the result is. Absent: the result is `i`. */
  bytes: v.optional(v.number()),
  /** How long an action takes. */
  ms: v.optional(v.number()),
};
export type StepArgs = ObjectType<typeof args>;

const resultOf = ({ i, bytes }: StepArgs) =>
  bytes === undefined ? i : "x".repeat(bytes);

export const query = internalQueryGeneric({
  args,
  handler: async (_ctx, args) => resultOf(args),
});

export const mutation = internalMutationGeneric({
  args,
  handler: async (_ctx, args) => resultOf(args),
});

export const action = internalActionGeneric({
  args,
  handler: async (_ctx, args) => {
    progress.actionsBegun++;
    await clock.sleep(args.ms ?? 0);
    return resultOf(args);
  },
});

export const failing = internalMutationGeneric({
  args,
  handler: async (_ctx, { i }): Promise<number> => {
    throw new Error(`step ${i} fails`);
  },
});

/** Its first attempts fail. */
export const flaky = internalActionGeneric({
  args: { i: v.number(), failures: v.number() },
  handler: async (_ctx, { i, failures }) => {
    if (progress.attempt(i) <= failures) throw new Error(`step ${i} fails`);
    return i;
  },
});
