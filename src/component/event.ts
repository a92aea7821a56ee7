import { v } from "convex/values";
import { vRunResult } from "../shared/outcome.js";
import { mutation } from "./_generated/server.js";
import { vWorkpoolOptions } from "../engine/platform/options.js";
import { createEvent, sendEvent } from "../engine/step/events.js";

export const create = mutation({
  args: { name: v.string(), workflowId: v.string() },
  returns: v.id("events"),
  handler: async (ctx, args) => await createEvent(ctx, args),
});

/** Sends an event by its id, or by name. */
export const send = mutation({
  args: {
    eventId: v.optional(v.string()),
    name: v.optional(v.string()),
    workflowId: v.optional(v.string()),
    result: vRunResult,
    workpoolOptions: v.optional(vWorkpoolOptions),
    /** Throw if the run has ended or was cleaned up, instead of logging a warning. */
    strict: v.optional(v.boolean()),
  },
  returns: v.id("events"),
  handler: async (ctx, args) => await sendEvent(ctx, args),
});
