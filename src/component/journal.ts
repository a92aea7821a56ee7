import { v, type Infer } from "convex/values";
import {
  MAX_ARRAY_LENGTH,
  MAX_JOURNAL_BYTES,
  STEPS_PER_BATCH,
} from "../shared/limits.js";
import { sizeOf } from "../shared/storable.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import {
  mutation,
  query,
  type MutationCtx,
  type QueryCtx,
} from "./_generated/server.js";
import { noteOptions, readConfig } from "./config.js";
import { vLogLevel } from "./logging.js";
import {
  vRetryOption,
  vSchedulerOptions,
  vWorkpoolOptions,
} from "./options.js";
import { recordAfterAll, recordResult } from "./completing.js";
import { noteChange } from "./drivers.js";
import {
  executeDriven,
  vCompletedRow,
  vCompletedStep,
  vDrive,
  writeCompleted,
  type ExecutedStep,
} from "./driven.js";
import { getRun, parseRunId, stepsInFlight, type StepRow } from "./runs.js";
import { clearPendingTurn } from "./turns.js";
import schema, {
  vExecution,
  stepEngineFields,
  vDelivery,
  vFailure,
  vStep,
  vWakes,
} from "./schema.js";
import { startSteps as start } from "./starting.js";
import { wake } from "./waking.js";

export const vRun = schema.tables.workflows.validator.extend({
  _id: v.id("workflows"),
  _creationTime: v.number(),
});

export const vJournalEntry = v.object({
  _id: v.id("steps"),
  _creationTime: v.number(),
  workflowId: v.id("workflows"),
  stepNumber: v.number(),
  step: vStep,
  ...stepEngineFields,
});

/** A journal past its bound: at which step, and how large it was there. */
const vTooLarge = v.object({
  size: v.number(),
  stepNumber: v.number(),
  name: v.string(),
});

/**
 * One array holds at most 8,192 elements, a journal of small steps more: it is handed over in
 * pages.
 */
const ENTRIES_PER_PAGE = 4096;

/**
 * Begins a turn: from here on a result that comes in, also inside this very transaction, makes
 * another turn due. Null when there is nothing for the turn to do: the run has ended, was canceled
 * or restarted since, or is gone.
 */
export const beginTurn = mutation({
  args: {
    workflowId: v.string(),
    generationNumber: v.number(),
    drive: v.optional(vDrive),
  },
  returns: v.union(
    v.null(),
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
    if (run?.generationNumber !== generationNumber) return null;
    if (run.restarting) return null;
    const driven = drive && (await executeDriven(ctx, run, drive));
    if (driven === null || run.runResult) return null;
    if (driven) run = driven.run;
    await clearPendingTurn(ctx, run);
    const completed = driven?.completed;
    if (completed && drive!.held?.revision === (run.revision ?? 0))
      return {
        workflow: run,
        journalSize: drive!.held.size,
        completed,
        blocked: false,
        logLevel: drive!.held.logLevel,
      };
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

async function readJournal(ctx: QueryCtx, workflowId: Id<"workflows">) {
  const entries: Doc<"steps">[] = [];
  let size = 0;
  let tooLarge: Infer<typeof vTooLarge> | undefined;
  const rows = ctx.db
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", workflowId));
  for await (const row of rows) {
    size += sizeOf(row);
    if (size > MAX_JOURNAL_BYTES) {
      tooLarge = { size, stepNumber: row.stepNumber, name: row.step.name };
      break;
    }
    entries.push(row);
  }
  return { entries, size, tooLarge };
}

/** Whether the result of the step just executed is too much for the journal. */
function tooLargeWith({ row, completed }: ExecutedStep, sizeBefore: number) {
  const { result, failure } = completed;
  const size = sizeBefore + sizeOf(result) + sizeOf(failure);
  if (size <= MAX_JOURNAL_BYTES) return undefined;
  return { size, stepNumber: row.stepNumber, name: row.step.name };
}

function pages<T>(all: T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < all.length; at += ENTRIES_PER_PAGE)
    result.push(all.slice(at, at + ENTRIES_PER_PAGE));
  return result;
}

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

export const vNewStep = v.object({
  step: vStep,
  retry: v.optional(vRetryOption),
  schedulerOptions: v.optional(vSchedulerOptions),
  /** The step's place in the journal. Absent: the next. */
  stepNumber: v.optional(v.number()),
  /** The row of a step that a restart kept, to be started again. */
  stepId: v.optional(v.id("steps")),
  /** An event wait ends in failure after this many milliseconds. */
  timeoutMs: v.optional(v.number()),
  /** The name of a nested run. Absent: the step's. */
  workflowName: v.optional(v.string()),
  delivery: stepEngineFields.delivery,
  wakes: stepEngineFields.wakes,
  group: stepEngineFields.group,
  failure: v.optional(vFailure),
  argsOmitted: stepEngineFields.argsOmitted,
});
export type NewStep = Infer<typeof vNewStep>;

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
    deliveries: v.optional(
      v.array(v.object({ stepId: v.id("steps"), delivery: vDelivery })),
    ),
    /** How recorded steps in flight are waited for now. */
    waits: v.optional(
      v.array(
        v.object({
          stepId: v.id("steps"),
          wakes: vWakes,
          group: v.optional(v.number()),
        }),
      ),
    ),
    /** The turn stopped with more to do: another is due. */
    goOn: v.optional(v.boolean()),
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
    /** How the workflow's definition or manager wants steps to be executed. */
    execution: v.optional(vExecution),
  },
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, args): Promise<StepRow[] | null> => {
    const run = await ctx.db.get("workflows", parseRunId(ctx, args.workflowId));
    if (!run) return null;
    const { caller, inFlight = 1, execution } = args;
    const current = run.generationNumber === args.generationNumber;
    const config = await readConfig(ctx);
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
    if (current) await noteOptions(ctx, run, args.workpoolOptions);
    const rows = await start(ctx, run, args.steps, {
      config,
      workpoolOptions: args.workpoolOptions,
      recordOnly: !current,
      turn: { inFlight, execution, caller },
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

/**
 * True when a step that the turn is going to wait for has its result: an inline step of the turn
 * brought it about, an event that it sent, say, while nobody waited.
 */
async function patchSteps(
  ctx: MutationCtx,
  deliveries: { stepId: Id<"steps">; delivery: Infer<typeof vDelivery> }[] = [],
  waits: {
    stepId: Id<"steps">;
    wakes: Infer<typeof vWakes>;
    group?: number;
  }[] = [],
): Promise<boolean> {
  for (const { stepId, delivery } of deliveries)
    await ctx.db.patch("steps", stepId, { delivery });
  let missed = false;
  for (const { stepId, wakes, group } of waits) {
    const row = await ctx.db.get("steps", stepId);
    if (row && !row.step.inProgress) missed = true;
    await ctx.db.patch("steps", stepId, { wakes, group });
  }
  return missed;
}
