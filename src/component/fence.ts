import { v } from "convex/values";
import { query } from "./_generated/server.js";

/**
 * Whether a run wasn't canceled, restarted or cleaned up since the turn began. Called after inline steps that wrote
 * something, so this module imports nothing that takes time to evaluate.
 */
export const isCurrent = query({
  args: { workflowId: v.string(), generationNumber: v.number() },
  returns: v.boolean(),
  handler: async (ctx, { workflowId, generationNumber }) => {
    const id = ctx.db.normalizeId("workflows", workflowId);
    const run = id && (await ctx.db.get("workflows", id));
    return run?.generationNumber === generationNumber;
  },
});
