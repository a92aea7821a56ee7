import { WorkflowManager } from "@convex-dev/workflow";
import { mutationGeneric } from "convex/server";
import { api, components } from "../../flows/references.js";

// A workflow that is its module's default export.

const workflow = new WorkflowManager(components.workflow);

export default workflow
  .define({ args: {} })
  .handler(async (step) => await step.awaitEvent({ name: "go" }));

/** Starts a run and finds it by its workflow's reference. */
export const startAndFind = mutationGeneric({
  args: {},
  handler: async (ctx) => {
    const reference = api.defaults["default"]!;
    const key = "order 1";
    const id = await workflow.start(ctx, reference, {}, { key });
    const again = await workflow.start(ctx, reference, {}, { key });
    const found = await workflow.findByKey(ctx, reference, key);
    const { page } = await workflow.list(ctx, { name: reference });
    return {
      isOne: again === id && found === id,
      names: page.map(({ name }) => name),
    };
  },
});
