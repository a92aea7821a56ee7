import { v, type Infer } from "convex/values";
import { api } from "./_generated/api.js";
import {
  internalAction,
  internalMutation,
  mutation,
} from "./_generated/server.js";
import { updateConfig as update } from "../engine/platform/config.js";
import { recoverRuns, vRecoverCursor } from "../engine/lifecycle/recover.js";
import { vLogLevel } from "../shared/logging.js";
import { recoverInBatches } from "../shared/recovery.js";
import { vExecution } from "./schema.js";

// Commands for operators. Their names are documented, so keep them.

/** For operators: `npx convex run --component workflow utils:updateConfig '{"maxParallelism": 50}'`. */
export const updateConfig = internalMutation({
  args: {
    logLevel: v.optional(vLogLevel()),
    maxParallelism: v.optional(v.number()),
    execution: v.optional(vExecution),
  },
  returns: v.null(),
  handler: update,
});

/**
 * For operators, after scheduled functions were canceled: `npx convex run --component workflow utils:recover`. Wakes
 * the runs that nothing else will wake, and returns how many there were.
 */
export const recover = internalAction({
  args: {},
  returns: v.number(),
  handler: async (ctx): Promise<number> =>
    await recoverInBatches<Infer<typeof vRecoverCursor>>((after) =>
      ctx.runMutation(api.utils.recoverBatch, { after }),
    ),
});

/**
 * Wakes one batch of runs that wait for something that can no longer happen, as `recover` does. `after` is absent from the
 * reply when no run is left to check.
 */
export const recoverBatch = mutation({
  args: { after: v.optional(vRecoverCursor) },
  returns: v.object({
    recovered: v.number(),
    after: v.optional(vRecoverCursor),
  }),
  handler: async (ctx, { after }) => await recoverRuns(ctx, after),
});
