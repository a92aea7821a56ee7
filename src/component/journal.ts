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
import { getRun, parseRunId, stepsInFlight, type StepRow } from "./runs.js";
import schema, {
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
  args: { workflowId: v.string(), generationNumber: v.number() },
  returns: v.union(
    v.null(),
    v.object({
      workflow: vRun,
      journal: v.array(v.array(vJournalEntry)),
      journalSize: v.number(),
      tooLarge: v.optional(vTooLarge),
      blocked: v.boolean(),
      logLevel: vLogLevel,
    }),
  ),
  handler: async (ctx, { workflowId, generationNumber }) => {
    const run = await ctx.db.get("workflows", parseRunId(ctx, workflowId));
    if (run?.generationNumber !== generationNumber) return null;
    if (run.runResult || run.restarting) return null;
    if (run.pendingTurn) {
      run.pendingTurn = undefined;
      await ctx.db.patch("workflows", run._id, { pendingTurn: undefined });
    }
    const { entries, size, tooLarge } = await readJournal(ctx, run._id);
    const { log } = await readConfig(ctx);
    return {
      workflow: run,
      journal: pages(entries),
      journalSize: size,
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
  },
  returns: v.union(v.null(), v.array(vJournalEntry)),
  handler: async (ctx, args): Promise<StepRow[] | null> => {
    const run = await ctx.db.get("workflows", parseRunId(ctx, args.workflowId));
    if (!run) return null;
    const current = run.generationNumber === args.generationNumber;
    const missed =
      current && (await patchSteps(ctx, args.deliveries, args.waits));
    if (current) await noteOptions(ctx, run, args.workpoolOptions);
    const config = await readConfig(ctx);
    const rows = await start(ctx, run, args.steps, {
      config,
      workpoolOptions: args.workpoolOptions,
      recordOnly: !current,
    });
    if (!current) {
      // A restart goes on from what this turn did: also from the order in which it showed results.
      if (rows.length > 0) await patchSteps(ctx, args.deliveries);
      return null;
    }
    if (args.goOn || missed) await wake(ctx, run, config);
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
