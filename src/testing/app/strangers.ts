import { internalMutationGeneric } from "convex/server";
import { v } from "convex/values";
import { defineWorkflow } from "../../client/index.js";
import { components } from "./_generated/api.js";
import { scripted } from "./scripts.js";

// Functions that code may mistake for a workflow of the component `workflow`.

/** A workflow of another instance. See `newBackend({ other: true })`. */
export const elsewhere = defineWorkflow(components.other, {
  args: { handler: v.string(), input: v.optional(v.any()) },
}).handler(
  async (step, { handler, input }): Promise<any> =>
    await scripted("handler", handler)(step, input),
);

/** An ordinary mutation that takes any arguments and returns a string that looks like an id. */
export const ordinary = internalMutationGeneric({
  handler: async (ctx, given): Promise<any> => {
    const keys = Object.keys(given);
    await ctx.db.insert("effects", { key: "ordinary", value: keys });
    return "a string";
  },
});

/** An ordinary mutation that returns an object with a `kind`, as a turn does. */
export const kinds = internalMutationGeneric({
  handler: async (): Promise<any> => ({ kind: "ok" }),
});

/** An ordinary mutation that returns the id of the run in its arguments. */
export const echoes = internalMutationGeneric({
  handler: async (_ctx, given): Promise<any> =>
    (given as { workflowId?: string }).workflowId,
});

/** An ordinary mutation that returns the same as a turn of a completed run. */
export const completes = internalMutationGeneric({
  handler: async (): Promise<any> => ({ kind: "complete" }),
});

/** An ordinary mutation with its own arguments. */
export const validated = internalMutationGeneric({
  args: { count: v.optional(v.number()) },
  handler: async (): Promise<any> => null,
});
