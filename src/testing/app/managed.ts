import { internalMutationGeneric } from "convex/server";
import { v } from "convex/values";
import {
  vResultValidator,
  vWorkflowId,
  WorkflowManager,
} from "../../client/index.js";
import { components } from "./_generated/api.js";
import { scripted } from "./scripts.js";
import { manager } from "./workflows.js";

/** Takes arguments that say something. */
export const typed = manager
  .define({
    args: { owner: v.id("effects"), count: v.number() },
    returns: v.number(),
  })
  .handler(async (_step, { count }) => count);

const args = { handler: v.string(), input: v.optional(v.any()) };

const withParallelism = (maxParallelism: number) =>
  new WorkflowManager(components.workflow, {
    workpoolOptions: { maxParallelism },
  })
    .define({ args })
    .handler(
      async (step, { handler, input }) =>
        await scripted("handler", handler)(step, input),
    );

/** Workflows of managers that disagree. */
export const three = withParallelism(3);
export const seven = withParallelism(7);
export const nine = withParallelism(9);

/** An onComplete that does what the mutation script "onEnd" says. */
export const onEnd = internalMutationGeneric({
  args: { workflowId: vWorkflowId, result: vResultValidator, context: v.any() },
  handler: (ctx, args) => scripted("mutation", "onEnd")(ctx, args),
});
