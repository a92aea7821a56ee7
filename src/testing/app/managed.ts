import { internalMutationGeneric, internalQueryGeneric } from "convex/server";
import { v } from "convex/values";
import {
  defineWorkflow,
  vOnCompleteArgs,
  vWorkflowStatus,
  WorkflowManager,
} from "../../client/index.js";
import type { LogLevel } from "../../shared/logging.js";
import { components } from "./_generated/api.js";
import { scripted, type Handler } from "./scripts.js";
import { manager } from "./workflows.js";

/** Has typed arguments. */
export const typed = manager
  .define({
    args: { owner: v.id("effects"), count: v.number() },
    returns: v.number(),
  })
  .handler(async (_step, { count }) => count);

const args = { handler: v.string(), input: v.optional(v.any()) };

const execute = async (
  step: Parameters<Handler>[0],
  { handler, input }: { handler: string; input?: unknown },
): Promise<any> => await scripted("handler", handler)(step, input);

const withParallelism = (maxParallelism: number) =>
  new WorkflowManager(components.workflow, {
    workpoolOptions: { maxParallelism },
  })
    .define({ args })
    .handler(execute);

/** Workflows of managers with different options. */
export const three = withParallelism(3);
export const seven = withParallelism(7);
export const nine = withParallelism(9);

const inPool = new WorkflowManager(components.workflow, {
  workpoolOptions: { execution: "pool" },
});

/** Workflows that set how their steps are executed. */
export const pooledByManager = inPool.define({ args, handler: execute });
export const drivenByWorkflow = inPool.define({
  args,
  workpoolOptions: { execution: "driver" },
  handler: execute,
});
export const pooledByWorkflow = defineWorkflow(components.workflow, {
  args,
  workpoolOptions: { execution: "pool" },
}).handler(execute);

/** The workpool options in the deployed code. A test changes them as a redeploy would. */
export const deployed: { maxParallelism?: number; logLevel?: LogLevel } = {};

export const changing = defineWorkflow(components.workflow, {
  args,
  workpoolOptions: deployed as object,
}).handler(execute);

/** An onComplete that runs the mutation script "onEnd". */
export const onEnd = internalMutationGeneric({
  args: vOnCompleteArgs(v.any()).fields,
  handler: (ctx, args) => scripted("mutation", "onEnd")(ctx, args),
});

/** An onComplete of `definitions:byFunction` that validates the context and the return value. */
export const endedAs = manager.defineOnComplete({
  context: v.object({ key: v.string() }),
  returnValue: v.string(),
  handler: async (ctx, { workflowId, result, context }) => {
    const value =
      result.kind === "success" ? result.returnValue.length : result;
    await ctx.db.insert("ended", {
      workflowId,
      result: value,
      context: context.key,
    });
  },
});

/** An onComplete without validators. */
export const endedSomehow = internalMutationGeneric({
  args: vOnCompleteArgs(),
  handler: async (ctx, { context = "none", ...ended }) => {
    await ctx.db.insert("ended", { ...ended, context });
  },
});

/** A query whose return value is validated. */
export const statusOf = internalQueryGeneric({
  args: { workflowId: v.string() },
  returns: vWorkflowStatus,
  handler: async (ctx, { workflowId }) => await manager.status(ctx, workflowId),
});
