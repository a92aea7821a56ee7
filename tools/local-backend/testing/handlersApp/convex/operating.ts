import { WorkflowManager } from "@convex-dev/workflow";
import { actionGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { api, components } from "../../flows/references.js";

// Runs with a deadline, a key, a later start and a retention.

const MINUTE = 60_000;

const workflow = new WorkflowManager(components.workflow, {
  retention: { completed: 60 * MINUTE },
});

export const waits = workflow
  .define({ args: {}, timeout: 10 * MINUTE })
  .handler(async (step) => await step.awaitEvent({ name: "go" }));

export const ends = workflow.define({ args: {} }).handler(async () => "ended");

const options = {
  key: v.optional(v.string()),
  ifRunning: v.optional(v.union(v.literal("throw"), v.literal("replace"))),
  runAfter: v.optional(v.number()),
};

export const start = mutationGeneric({
  args: { name: v.string(), ...options },
  handler: async (ctx, { name, ...rest }) =>
    await workflow.start(ctx, api.operating[name], {}, rest),
});

/** Starts in many transactions at once. */
export const startTogether = actionGeneric({
  args: { count: v.number(), ...options },
  handler: async (ctx, { count, ...rest }) => {
    const ids = await Promise.all(
      Array.from({ length: count }, () =>
        ctx.runMutation(api.operating["start"], { name: "waits", ...rest }),
      ),
    );
    return new Set(ids).size;
  },
});

export const statusOf = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => await workflow.status(ctx, id),
});
