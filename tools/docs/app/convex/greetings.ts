import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalQuery } from "./_generated/server.js";
import { workflow } from "./workflow.js";

export const forName = internalQuery({
  args: { name: v.string() },
  returns: v.string(),
  handler: async (_ctx, { name }) => `Hello, ${name}!`,
});

export const greet = workflow
  .define({ args: { name: v.string() }, returns: v.string() })
  .handler(
    async (step, { name }): Promise<string> =>
      await step.runQuery(internal.greetings.forName, { name }),
  );
