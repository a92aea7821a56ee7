// README.md shows this file.
import {
  defineWorkflow,
  start,
  vWorkflowId,
  type WorkflowId,
} from "@convex-dev/workflow";
import { v } from "convex/values";
import { components, internal } from "./_generated/api.js";
import {
  internalAction,
  internalMutation,
  mutation,
} from "./_generated/server.js";

// The workflow. Each call on `step` is recorded.
export const welcome = defineWorkflow(components.workflow, {
  args: { name: v.string() },
  returns: v.string(),
}).handler(async (step, { name }): Promise<string> => {
  const text = await step.runAction(
    internal.welcome.compose,
    { name },
    { retry: true },
  );
  await step.sleep(24 * 60 * 60 * 1000);
  await step.runMutation(internal.welcome.deliver, { name, text });
  return text;
});

// Its steps run ordinary functions.
export const compose = internalAction({
  args: { name: v.string() },
  handler: async (_ctx, { name }) => `Welcome, ${name}!`,
});

export const deliver = internalMutation({
  args: { name: v.string(), text: v.string() },
  handler: async (ctx, greeting) => {
    await ctx.db.insert("greetings", greeting);
  },
});

// Starts a run. If this mutation fails, the run never started.
export const signUp = mutation({
  args: { name: v.string() },
  returns: vWorkflowId,
  handler: async (ctx, { name }): Promise<WorkflowId> =>
    await start(ctx, internal.welcome.welcome, { name }),
});
