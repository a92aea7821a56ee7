// The first workflow: a query, a retried action, a mutation and a sleep, one after another. Each call
// on `step` is recorded. If the server crashes, your run continues after the last recorded step, and
// no recorded step runs again.
//
//   npx convex run example:exampleWorkflow '{ "args": { "exampleArg": "James" } }'
//   npx convex run example:status '{ "workflowId": "<the id that printed>" }'
import {
  cancel as cancelRun,
  cleanup as cleanUpRun,
  defineWorkflow,
  getStatus,
  listByName,
  listSteps,
  restart as restartRun,
  start as startRun,
  vWorkflowId,
  type PublicWorkflow,
  type WorkflowId,
  type WorkflowStatus,
  type WorkflowStep,
} from "@convex-dev/workflow";
import { paginationOptsValidator, type PaginationResult } from "convex/server";
import { v } from "convex/values";
import { components, internal } from "./_generated/api.js";
import {
  internalAction,
  internalMutation,
  internalQuery,
} from "./_generated/server.js";
import { callService } from "./services.js";

const exampleArgs = {
  exampleArg: v.string(),
  /** How many attempts of the action fail before one succeeds. Default: 1. */
  failures: v.optional(v.number()),
  /** Default: 5 seconds. */
  sleepMs: v.optional(v.number()),
};

export const exampleWorkflow = defineWorkflow(components.workflow, {
  args: exampleArgs,
  returns: v.string(),
}).handler(async (step, args): Promise<string> => {
  const name = args.exampleArg;
  const earlier = await step.runQuery(internal.example.countGreetings, {
    name,
  });
  const text = await step.runAction(
    internal.example.compose,
    {
      workflowId: step.workflowId,
      name,
      earlier,
      failures: args.failures ?? 1,
    },
    { retry: { maxAttempts: 3, initialBackoffMs: 200, base: 2 } },
  );
  await step.runMutation(internal.example.save, { name, text });
  await step.sleep(args.sleepMs ?? 5000);
  return text;
});

// The steps of the workflow: ordinary functions.

export const countGreetings = internalQuery({
  args: { name: v.string() },
  returns: v.number(),
  handler: async (ctx, { name }) => {
    const greetings = await ctx.db
      .query("greetings")
      .withIndex("name", (q) => q.eq("name", name))
      .collect();
    return greetings.length;
  },
});

/** Calls a service that is down for the first `failures` attempts: see services.ts. */
export const compose = internalAction({
  args: {
    workflowId: vWorkflowId,
    name: v.string(),
    earlier: v.number(),
    failures: v.number(),
  },
  returns: v.string(),
  handler: async (ctx, { workflowId, name, earlier, failures }) => {
    await callService(ctx, workflowId, { outages: failures });
    return earlier === 0 ? `Hello, ${name}!` : `Hello again, ${name}!`;
  },
});

export const save = internalMutation({
  args: { name: v.string(), text: v.string() },
  returns: v.null(),
  handler: async (ctx, greeting) => {
    await ctx.db.insert("greetings", greeting);
    return null;
  },
});

// These functions manage runs. The other workflows take them from manage.ts. They are internal, so call them from the
// command line or the dashboard. In a public function, first check who calls.

/** Starts a run from a mutation. If the mutation fails, the run never started. */
export const start = internalMutation({
  args: exampleArgs,
  returns: vWorkflowId,
  handler: async (ctx, args): Promise<WorkflowId> =>
    await startRun(ctx, internal.example.exampleWorkflow, args),
});

export const status = internalQuery({
  args: { workflowId: vWorkflowId },
  handler: async (ctx, { workflowId }): Promise<WorkflowStatus> =>
    await getStatus(ctx, components.workflow, workflowId),
});

/** The steps of a run, by default the first 100. */
export const steps = internalQuery({
  args: {
    workflowId: vWorkflowId,
    paginationOpts: v.optional(paginationOptsValidator),
  },
  handler: async (
    ctx,
    { workflowId, ...options },
  ): Promise<PaginationResult<WorkflowStep>> =>
    await listSteps(ctx, components.workflow, workflowId, options),
});

/** The runs of this workflow, newest first. */
export const list = internalQuery({
  args: {},
  handler: async (ctx): Promise<PaginationResult<PublicWorkflow>> =>
    await listByName(ctx, components.workflow, "example:exampleWorkflow", {
      order: "desc",
    }),
});

export const cancel = internalMutation({
  args: { workflowId: vWorkflowId },
  returns: v.null(),
  handler: async (ctx, { workflowId }) => {
    await cancelRun(ctx, components.workflow, workflowId);
    return null;
  },
});

/** Runs the step with the number or name `from`, and all later ones, again. */
export const restart = internalMutation({
  args: {
    workflowId: vWorkflowId,
    from: v.optional(v.union(v.number(), v.string())),
  },
  returns: v.null(),
  handler: async (ctx, { workflowId, from }) => {
    await restartRun(ctx, components.workflow, workflowId, { from });
    return null;
  },
});

/** Deletes a finished run. */
export const cleanup = internalMutation({
  args: { workflowId: vWorkflowId },
  returns: v.boolean(),
  handler: async (ctx, { workflowId }) =>
    await cleanUpRun(ctx, components.workflow, workflowId),
});
