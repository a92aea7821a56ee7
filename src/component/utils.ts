import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { updateConfig as update } from "./config.js";
import { vLogLevel } from "./logging.js";
import { vExecution } from "./schema.js";

/** For operators: `npx convex run --component workflow utils:updateConfig '{"maxParallelism": 50}'`. */
export const updateConfig = internalMutation({
  args: {
    logLevel: v.optional(vLogLevel),
    maxParallelism: v.optional(v.number()),
    execution: v.optional(vExecution),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    await update(ctx, args);
    return null;
  },
});
