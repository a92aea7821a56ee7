import { v } from "convex/values";
import { defineWorkflow, WorkflowManager } from "../../client/index.js";
import { components } from "./api.js";

// One workflow for each way to define one. Tests use only their types.

export const manager = new WorkflowManager(components.workflow);

export const greet = defineWorkflow(components.workflow, {
  args: { name: v.string(), times: v.optional(v.number()) },
  returns: v.object({ text: v.string() }),
}).handler(async (_step, { name }) => ({ text: name }));

export const noReturns = defineWorkflow(components.workflow, {
  args: { name: v.string() },
}).handler(async () => "something");

export const nothing = defineWorkflow(components.workflow, {
  returns: v.null(),
}).handler(async () => {});

export const bare = defineWorkflow(components.workflow).handler(
  async () => undefined,
);

export const managed = manager
  .define({ args: { n: v.number() }, returns: v.array(v.number()) })
  .handler(async (_step, { n }) => [n]);

export const inOneObject = manager.define({
  args: { n: v.number() },
  returns: v.union(v.number(), v.null()),
  handler: async (_step, { n }) => (n > 0 ? n : null),
});

export const noArgs = manager.define({
  args: {},
  returns: v.boolean(),
  handler: async () => true,
});
