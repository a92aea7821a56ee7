import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import {
  beginFields,
  beginTurn as begin,
  vBegun,
} from "../engine/driver/begin.js";
import { endRun } from "../engine/lifecycle/end.js";
import { commitTurn, turnFields } from "../engine/turn/commit.js";
import { historyOf } from "../engine/turn/history.js";
import {
  loadJournal,
  vJournalEntry,
  vLoaded,
} from "../engine/turn/journalRows.js";
import { vHistory } from "../shared/history.js";
import { vOrigin } from "../shared/origin.js";
import { vFailure, vRunResult } from "../shared/outcome.js";

/** The end of a run by its own handler. */
const vEnd = {
  runResult: vRunResult(),
  /** Lets a parent's handler see the failure as it was thrown. */
  failure: v.optional(vFailure()),
  /** Where the run ended, for the log. */
  origin: v.optional(vOrigin),
};

// A turn begins once and commits. An inline step, or a step that gets its result at once, may cause further commits.

/** Begins a turn. Returns null if the turn has nothing to do. */
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

/** Exports the data that a run's replay needs. */
export const exportHistory = query({
  args: { workflowId: v.string() },
  returns: vHistory,
  handler: async (ctx, { workflowId }) => await historyOf(ctx, workflowId),
});

/** Records a turn, starts its steps, and ends the run if requested. Returns null if the turn is stale. */
export const commit = mutation({
  args: { ...turnFields, end: v.optional(v.object(vEnd)) },
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, { end, ...turn }) => {
    const committed = await commitTurn(ctx, turn, { ends: end !== undefined });
    if (!committed) return null;
    const { run, config, rows } = committed;
    if (end)
      await endRun(ctx, run, end.runResult, config, end.failure, end.origin);
    return rows;
  },
});

/** Starts steps as a turn does. */
export const startSteps = mutation({
  args: {
    workflowId: turnFields.workflowId,
    generationNumber: turnFields.generationNumber,
    steps: turnFields.steps,
    workpoolOptions: turnFields.workpoolOptions,
  },
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, args) => (await commitTurn(ctx, args))?.rows ?? null,
});
