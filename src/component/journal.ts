import { v } from "convex/values";
import { vBeginDrive } from "../shared/driverProtocol.js";
import { MAX_ARRAY_LENGTH, STEPS_PER_BATCH } from "../shared/limits.js";
import { mutation, query } from "./_generated/server.js";
import { readConfig } from "../engine/platform/config.js";
import { recordAfterAll, recordResult } from "../engine/step/completing.js";
import {
  executeDriven,
  vCompletedRow,
  vCompletedStep,
  writeCompleted,
} from "../engine/driver/turn.js";
import { noteChange, noteCopy } from "../engine/run/driver.js";
import {
  pages,
  readJournal,
  tooLargeWith,
  vJournalEntry,
  vRun,
  vTooLarge,
} from "../engine/turn/journalRows.js";
import { vLogLevel } from "../shared/logging.js";
import { vWorkpoolOptions } from "../engine/platform/options.js";
import {
  getRun,
  parseRunId,
  stepsInFlight,
  type StepRow,
} from "../engine/run/runs.js";
import { vTrials } from "./schema.js";
import { startSteps as start } from "../engine/turn/starting.js";
import {
  patchSteps,
  setTrials,
  vNewStep,
  vShown,
  vWait,
} from "../engine/turn/turnRecord.js";
import { clearPendingTurn } from "./turns.js";
import { wake } from "../engine/run/waking.js";

/**
 * Begins a turn: from here on a result that comes in, also inside this very transaction, makes
 * another turn due. Null when there is nothing for the turn to do: the run has ended, was canceled
 * or restarted since, or is gone.
 */
export const beginTurn = mutation({
  args: {
    workflowId: v.string(),
    generationNumber: v.number(),
    drive: v.optional(vBeginDrive),
  },
  returns: v.union(
    v.null(),
    /** This component has no such run: it was cleaned up, or is another instance's. */
    v.literal("unknown"),
    v.object({
      workflow: vRun,
      /** Absent: the driver's copy is up to date. */
      journal: v.optional(v.array(v.array(vJournalEntry))),
      journalSize: v.number(),
      /** The step that the driver was to execute, with its result. It is not written down yet. */
      completed: v.optional(vCompletedStep),
      tooLarge: v.optional(vTooLarge),
      blocked: v.boolean(),
      logLevel: vLogLevel,
    }),
  ),
  handler: async (ctx, { workflowId, generationNumber, drive }) => {
    let run = await ctx.db.get("workflows", parseRunId(ctx, workflowId));
    if (!run) return "unknown" as const;
    if (run.generationNumber !== generationNumber || run.restarting)
      return null;
    const driven = drive && (await executeDriven(ctx, run, drive));
    if (driven === null || run.runResult) return null;
    if (driven) run = driven.run;
    await clearPendingTurn(ctx, run, { isDriven: drive !== undefined });
    const completed = driven?.completed;
    if (completed && drive!.held?.revision === (run.revision ?? 0))
      return {
        workflow: run,
        journalSize: drive!.held.size,
        completed,
        blocked: false,
        logLevel: drive!.held.logLevel,
      };
    if (drive) await noteCopy(ctx, run);
    const { entries, size, ...read } = await readJournal(ctx, run._id);
    const tooLarge = read.tooLarge ?? (completed && tooLargeWith(driven, size));
    const { log } = await readConfig(ctx);
    // No turn will write it down.
    if (tooLarge && completed) await recordResult(ctx, driven, completed);
    return {
      workflow: run,
      journal: pages(entries),
      journalSize: size,
      completed,
      tooLarge,
      blocked: entries.some(
        ({ step, unstarted }) => step.inProgress && !unstarted,
      ),
      logLevel: log.level,
    };
  },
});

/**
 * A run's journal, for reading only. `ok` is false when it is too large to be replayed, or
 * has more entries than one answer can hold. With
 * `shortCircuit`, where steps are in flight: only those.
 */
export const load = query({
  args: { workflowId: v.string(), shortCircuit: v.optional(v.boolean()) },
  returns: v.object({
    workflow: vRun,
    journalEntries: v.array(vJournalEntry),
    ok: v.boolean(),
    logLevel: vLogLevel,
    blocked: v.optional(v.boolean()),
  }),
  handler: async (ctx, { workflowId, shortCircuit }) => {
    const workflow = await getRun(ctx, workflowId);
    const { log } = await readConfig(ctx);
    const inFlight = shortCircuit
      ? await stepsInFlight(ctx, workflow._id).take(STEPS_PER_BATCH)
      : [];
    if (inFlight.length > 0)
      return {
        workflow,
        journalEntries: inFlight,
        ok: true,
        logLevel: log.level,
        blocked: true,
      };
    const { entries, tooLarge } = await readJournal(ctx, workflow._id);
    return {
      workflow,
      journalEntries: entries.slice(0, MAX_ARRAY_LENGTH),
      ok: tooLarge === undefined && entries.length <= MAX_ARRAY_LENGTH,
      logLevel: log.level,
    };
  },
});

/**
 * Writes down what a turn did, and starts the steps it asked for. Returns their rows in order;
 * some may have results already. Returns null when the run was canceled, restarted or cleaned up
 * since the turn began.
 */
export const startSteps = mutation({
  args: {
    workflowId: v.string(),
    generationNumber: v.number(),
    steps: v.array(vNewStep),
    workpoolOptions: v.optional(vWorkpoolOptions),
    /** Where results of recorded steps were shown. */
    deliveries: v.optional(v.array(vShown)),
    /** How recorded steps in flight are waited for now. */
    waits: v.optional(v.array(vWait)),
    /** The turn stopped with more to do: another is due. */
    goOn: v.optional(v.boolean()),
    /** Results to try one at a time, since each may leave a rejected promise without a handler. */
    trials: v.optional(vTrials),
    /** The step that a driver has executed, to be written down with its result. */
    completed: v.optional(vCompletedRow),
    /** The driver that takes this turn, and whether it wants to be followed by another. */
    caller: v.optional(
      v.object({
        driver: v.number(),
        handsOver: v.boolean(),
        /** It will hear what the turn changes. It won't if this is a call that it has given up. */
        learns: v.boolean(),
      }),
    ),
    /** Function and child steps in flight beside `steps`. */
    inFlight: v.optional(v.number()),
  },
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, args): Promise<StepRow[] | null> => {
    const run = await ctx.db.get("workflows", parseRunId(ctx, args.workflowId));
    if (!run) return null;
    const { caller, inFlight = 1, workpoolOptions } = args;
    const current = run.generationNumber === args.generationNumber;
    const config = await readConfig(ctx, workpoolOptions);
    const { completed } = args;
    if (completed && current) await writeCompleted(ctx, run, completed, config);
    // An inline step of the turn canceled or restarted the run. What was executed is.
    else if (completed)
      await recordAfterAll(ctx, completed.stepId, {
        result: completed.step.runResult!,
        failure: completed.failure,
      });
    const missed =
      current && (await patchSteps(ctx, args.deliveries, args.waits));
    if (current && !caller?.learns) await noteChange(ctx, run);
    if (current && (run.trials || args.trials))
      await setTrials(ctx, run, args.trials);
    const rows = await start(ctx, run, args.steps, {
      config,
      workpoolOptions,
      recordOnly: !current,
      turn: { inFlight, execution: workpoolOptions?.execution, caller },
    });
    if (!current) {
      // A restart goes on from what this turn did: also from the order in which it showed results.
      if (rows.length > 0)
        await patchSteps(ctx, [
          ...(args.deliveries ?? []),
          ...(completed?.delivery
            ? [{ stepId: completed.stepId, delivery: completed.delivery }]
            : []),
        ]);
      return null;
    }
    if (args.goOn || missed) await wake(ctx, run);
    return rows;
  },
});
