import {
  defineEvent,
  defineWorkflow,
  getStatus,
  sendEvent,
  start,
  vResultValidator,
  vWorkflowId,
  WorkflowManager,
} from "@convex-dev/workflow";
import type {
  RunResult,
  WorkflowCtx,
  WorkflowId,
  WorkflowStatus,
} from "@convex-dev/workflow";
import type { ComponentApi } from "@convex-dev/workflow/_generated/component.js";
import { v } from "convex/values";
import { components, internal } from "./_generated/api.js";
import {
  internalAction,
  internalMutation,
  mutation,
  query,
} from "./_generated/server.js";

const component: ComponentApi<"workflow"> = components.workflow;
const manager = new WorkflowManager(component, {
  workpoolOptions: { maxParallelism: 10 },
});
const approved = defineEvent({
  name: "approved",
  validator: v.object({ by: v.string() }),
});

export const compose = internalAction({
  args: { name: v.string() },
  returns: v.string(),
  handler: async (_ctx, { name }) => `Hello, ${name}`,
});

export const save = internalMutation({
  args: { text: v.string() },
  returns: v.null(),
  handler: async (ctx, args) => {
    await ctx.db.insert("greetings", args);
    return null;
  },
});

async function composeAndSave(step: WorkflowCtx, name: string) {
  const text = await step.runAction(
    internal.greetings.compose,
    { name },
    { retry: true },
  );
  await step.runMutation(internal.greetings.save, { text });
  return text;
}

export const greet = defineWorkflow(component, {
  args: { name: v.string() },
  returns: v.string(),
}).handler(async (step, { name }): Promise<string> => {
  return composeAndSave(step, name);
});

export const greetWhenApproved = manager
  .define({ args: { name: v.string() }, returns: v.string() })
  .handler(async (step, { name }): Promise<string> => {
    const { by } = await step.awaitEvent(approved);
    const greeting: string = await step.runWorkflow(internal.greetings.greet, {
      name,
    });
    await step.sleep(1000);
    return `${greeting} (approved by ${by})`;
  });

export const recordEnding = internalMutation({
  args: {
    workflowId: vWorkflowId,
    result: vResultValidator,
    context: v.object({ note: v.string() }),
  },
  handler: async (ctx, args) => {
    const result: RunResult = args.result;
    await ctx.db.insert("endings", { kind: result.kind });
  },
});

export const kickoff = mutation({
  args: { name: v.string() },
  returns: vWorkflowId,
  handler: async (ctx, { name }): Promise<WorkflowId> =>
    start(
      ctx,
      internal.greetings.greetWhenApproved,
      { name },
      {
        onComplete: internal.greetings.recordEnding,
        context: { note: "packed" },
      },
    ),
});

export const approve = mutation({
  args: { workflowId: vWorkflowId, by: v.string() },
  handler: async (ctx, { workflowId, by }) => {
    await sendEvent(ctx, component, { ...approved, workflowId, value: { by } });
  },
});

export const status = query({
  args: { workflowId: vWorkflowId },
  handler: async (ctx, { workflowId }): Promise<WorkflowStatus> =>
    getStatus(ctx, component, workflowId),
});

export const endings = query({
  args: {},
  returns: v.array(v.string()),
  handler: async (ctx) => {
    const rows = await ctx.db.query("endings").collect();
    return rows.map(({ kind }) => kind);
  },
});
