import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import {
  beginFields,
  beginTurn as begin,
  vBegun,
} from "../engine/driver/begin.js";
import { commitTurn, turnFields } from "../engine/turn/commit.js";
import {
  loadJournal,
  vJournalEntry,
  vLoaded,
} from "../engine/turn/journalRows.js";

// The calls of a turn: begin, load the journal, commit.

/** Begins a turn. Null when there is nothing for the turn to do. */
export const beginTurn = mutation({
  args: beginFields,
  returns: vBegun,
  handler: async (ctx, args) => await begin(ctx, args),
});

/**
 * A run's journal, for reading only. `ok` is false when it is too large to be replayed, or
 * has more entries than one answer can hold. With
 * `shortCircuit`, where steps are in flight: only those.
 */
export const load = query({
  args: { workflowId: v.string(), shortCircuit: v.optional(v.boolean()) },
  returns: vLoaded,
  handler: async (ctx, args) => await loadJournal(ctx, args),
});

/** Writes down what a turn did, and starts the steps it asked for. Null when the turn is stale. */
export const startSteps = mutation({
  args: turnFields,
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, args) => await commitTurn(ctx, args),
});
