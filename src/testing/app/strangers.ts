import { internalMutationGeneric } from "convex/server";
import { v } from "convex/values";
import { defineWorkflow } from "../../client/index.js";
import { components } from "./_generated/api.js";
import { scripted } from "./scripts.js";

// What code may take for a workflow of the component `workflow`.

/** A workflow of another instance: see `newBackend({ other: true })`. */
export const elsewhere = defineWorkflow(components.other, {
  args: { handler: v.string(), input: v.optional(v.any()) },
}).handler(
  async (step, { handler, input }): Promise<any> =>
    await scripted("handler", handler)(step, input),
);

/** An ordinary mutation that takes anything, and returns something like an id. */
export const ordinary = internalMutationGeneric({
  handler: async (ctx, given): Promise<any> => {
    const keys = Object.keys(given);
    await ctx.db.insert("effects", { key: "ordinary", value: keys });
    return "a string";
  },
});

/** An ordinary mutation that answers with an object of some kind, as a turn does. */
export const kinds = internalMutationGeneric({
  handler: async (): Promise<any> => ({ kind: "ok" }),
});

/** An ordinary mutation that returns the id of the run whose turn it is asked to take. */
export const echoes = internalMutationGeneric({
  handler: async (_ctx, given): Promise<any> =>
    (given as { workflowId?: string }).workflowId,
});

/** An ordinary mutation that answers as a run does that is complete. */
export const completes = internalMutationGeneric({
  handler: async (): Promise<any> => ({ kind: "complete" }),
});

/** An ordinary mutation with arguments of its own. */
export const validated = internalMutationGeneric({
  args: { count: v.optional(v.number()) },
  handler: async (): Promise<any> => null,
});
