import { v } from "convex/values";
import { vRunResult } from "../shared/outcome.js";
import { mutation, query } from "./_generated/server.js";
import { listEventsOf, vPublicEvent } from "../engine/run/listingEvents.js";
import { pageFields, vPaginated } from "../engine/run/paging.js";
import { getRun } from "../engine/run/runs.js";
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
    result: vRunResult(),
    workpoolOptions: v.optional(vWorkpoolOptions),
    /** Throw if the run has ended or was cleaned up, instead of logging a warning. */
    strict: v.optional(v.boolean()),
  },
  returns: v.id("events"),
  handler: async (ctx, args) => await sendEvent(ctx, args),
});

export const list = query({
  args: { workflowId: v.string(), ...pageFields },
  returns: vPaginated(vPublicEvent),
  handler: async (ctx, { workflowId, ...page }) =>
    await listEventsOf(ctx, await getRun(ctx, workflowId), page),
});
