import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { listEventsOf, vPublicEvent } from "../engine/run/listingEvents.js";
import { pageFields, vPaginated } from "../engine/run/paging.js";
import { getRun } from "../engine/run/runs.js";
import { vWorkpoolOptions } from "../engine/platform/options.js";
import { createEvent, sendEvent, sendFields } from "../engine/step/events.js";

export const create = mutation({
  args: { name: v.string(), workflowId: v.string() },
  returns: v.id("events"),
  handler: async (ctx, args) => await createEvent(ctx, args),
});

/** Sends an event by its id, or by name. */
export const send = mutation({
  args: {
    ...sendFields,
    // 0.4 passes them.
    workpoolOptions: v.optional(vWorkpoolOptions),
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
