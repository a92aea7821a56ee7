import { v } from "convex/values";
import { WorkflowManager } from "../../client/index.js";
import { components } from "./_generated/api.js";
import { scripted } from "./scripts.js";

export const manager = new WorkflowManager(components.workflow);

const args = { handler: v.string(), input: v.optional(v.any()) };

/** Executes the test's scripted handler. */
export const workflow = manager
  .define({ args })
  .handler(
    async (step, { handler, input }) =>
      await scripted("handler", handler)(step, input),
  );
