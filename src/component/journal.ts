import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import {
  beginFields,
  beginTurn as begin,
  vBegun,
} from "../engine/driver/begin.js";
import { commitTurn, turnFields } from "../engine/turn/commit.js";
import { historyOf } from "../engine/turn/history.js";
import {
  loadJournal,
  vJournalEntry,
  vLoaded,
} from "../engine/turn/journalRows.js";
import { vHistory } from "../shared/history.js";

// A turn makes these calls: begin, load the journal, commit.

/** Begins a turn. Null if the turn has nothing to do. */
export const beginTurn = mutation({
  args: beginFields,
  returns: vBegun,
  handler: async (ctx, args) => await begin(ctx, args),
});

/**
 * Reads a run's journal. `ok` is false if it is too large to replay, or has more entries than one reply can hold. With
 * `shortCircuit`, and if steps are in flight, only those are returned.
 */
export const load = query({
  args: { workflowId: v.string(), shortCircuit: v.optional(v.boolean()) },
  returns: vLoaded,
  handler: async (ctx, args) => await loadJournal(ctx, args),
});

/** Exports what a replay of a run needs. */
export const exportHistory = query({
  args: { workflowId: v.string() },
  returns: vHistory,
  handler: async (ctx, { workflowId }) => await historyOf(ctx, workflowId),
});

/** Records a turn, and starts the steps that it asked for. Null if the turn is stale. */
export const startSteps = mutation({
  args: turnFields,
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, args) => await commitTurn(ctx, args),
});
