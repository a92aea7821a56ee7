import { v } from "convex/values";
import { defineWorkflow, WorkflowManager } from "../../client/index.js";
import { components } from "./_generated/api.js";
import { scripted, type Handler } from "./scripts.js";
import { manager } from "./workflows.js";

// Workflows with different definitions. All execute the test's script.

const args = { handler: v.string(), input: v.optional(v.any()) };
type Args = { handler: string; input?: unknown };

const execute = async (
  step: Parameters<Handler>[0],
  { handler, input }: Args,
): Promise<any> => await scripted("handler", handler)(step, input);

export const byFunction = defineWorkflow(components.workflow, {
  args,
  returns: v.string(),
}).handler(execute);

export const byManager = manager
  .define({ args, returns: v.string() })
  .handler(execute);

export const inOneObject = manager.define({
  args,
  returns: v.string(),
  handler: execute,
});

export const byObject = manager.define({
  args: v.object(args),
  returns: v.string(),
  handler: execute,
});

/** Has no validators. */
export const unvalidated = defineWorkflow(components.workflow).handler(
  async (step, given) => await execute(step, given as unknown as Args),
);

export const withoutArgs = manager.define({
  args: {},
  handler: async (step) => await execute(step, { handler: "main" }),
});

export const returnsObject = manager.define({
  args,
  returns: v.object({ count: v.number() }),
  handler: execute,
});

export const returnsNull = manager.define({
  args,
  returns: v.null(),
  handler: execute,
});

export const returnsId = manager.define({
  args,
  returns: v.id("effects"),
  handler: execute,
});

/** Takes an id and returns it. */
export const takesId = manager.define({
  args: { owner: v.id("effects"), count: v.optional(v.number()) },
  handler: async (_step, given) => given,
});

/** Waits at most a second for an event. */
export const timesOut = manager.define({
  timeout: 1000,
  handler: async (step) => await step.awaitEvent({ name: "never" }),
});

/** Its runs are kept for a second after they end. */
export const expires = manager.define({
  retention: { completed: 1000 },
  handler: async () => "done",
});

const retrying = new WorkflowManager(components.workflow, {
  workpoolOptions: {
    retryActionsByDefault: true,
    defaultRetryBehavior: { maxAttempts: 3, initialBackoffMs: 100, base: 3 },
  },
});

export const retriesByManager = retrying.define({ args, handler: execute });

export const retriesByWorkflow = retrying.define({
  args,
  workpoolOptions: {
    defaultRetryBehavior: { maxAttempts: 2, initialBackoffMs: 10, base: 1 },
  },
  handler: execute,
});

export const retriesNot = retrying.define({
  args,
  workpoolOptions: { retryActionsByDefault: false },
  handler: execute,
});

export const retriesByDefault = defineWorkflow(components.workflow, {
  args,
  workpoolOptions: { retryActionsByDefault: true },
}).handler(execute);
