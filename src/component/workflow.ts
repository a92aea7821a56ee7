import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { progressOf } from "../engine/run/progress.js";
import {
  internalMutation,
  internalQuery,
  mutation,
  query,
} from "./_generated/server.js";
import { cancelRuns } from "../engine/lifecycle/cancel.js";
import { cleanUp, deleteBatch } from "../engine/lifecycle/cleanup.js";
import { Budget } from "../shared/transactionBudget.js";
import { readConfig, heedManager } from "../engine/platform/config.js";
import { createRun } from "../engine/run/creating.js";
import { endRun } from "../engine/lifecycle/end.js";
import { vJournalEntry, vRun } from "../engine/turn/journalRows.js";
import {
  countRuns,
  firstInFlight,
  listRuns,
  runFilterFields,
  vCounts,
  vPublicRun,
} from "../engine/run/listing.js";
import {
  findStep,
  listStepsOf,
  vPublicStep,
} from "../engine/run/listingSteps.js";
import {
  listStepSummaries as listStepSummariesOf,
  listSummaries as listSummariesOf,
  namesOfRuns,
  summaryFilterFields,
  vRunSummary,
  vStepSummary,
} from "../engine/run/summaries.js";
import { detailsOf, vRunDetails } from "../engine/run/details.js";
import { onlyPage, pageFields, vPaginated } from "../engine/run/paging.js";
import {
  listFailures,
  retryOnComplete as retryFailed,
  vOnCompleteFailure,
} from "../engine/lifecycle/failures.js";
import { claimKey as claim } from "../engine/lifecycle/keys.js";
import * as many from "../engine/lifecycle/many.js";
import { vLogLevel } from "../shared/logging.js";
import { restartRun } from "../engine/lifecycle/restart.js";
import {
  findRun,
  findRunByText,
  getRun,
  parseRunId,
  runWithKey,
  statusOfRun,
  type Run,
} from "../engine/run/runs.js";
import { vRetention } from "../shared/retention.js";
import { vExecution, vOnComplete } from "./schema.js";
import { codedError } from "../shared/errors.js";
import { vRunResult } from "../shared/outcome.js";
import { callWithTrials } from "../engine/turn/trials.js";
import { enqueueTurns, wake } from "../engine/run/waking.js";

/**
 * Creates a run. Its first turn runs in this transaction. With `startAsync`, it becomes a job of the workpool. With
 * `createOnly`, the caller takes it.
 */
export const create = mutation({
  args: {
    workflowName: v.string(),
    workflowHandle: v.string(),
    workflowArgs: v.any(),
    maxParallelism: v.optional(v.number()),
    execution: v.optional(vExecution),
    logLevel: v.optional(vLogLevel()),
    onComplete: v.optional(vOnComplete),
    startAsync: v.optional(v.boolean()),
    createOnly: v.optional(v.boolean()),
    /** When the first turn is due. Absent: now. */
    runAt: v.optional(v.number()),
    timeoutMs: v.optional(v.number()),
    retention: v.optional(vRetention()),
    key: v.optional(v.string()),
  },
  returns: v.id("workflows"),
  handler: async (ctx, { workflowName, workflowArgs, ...options }) => {
    const { maxParallelism, logLevel, startAsync, createOnly, runAt, ...rest } =
      options;
    await heedManager(ctx, maxParallelism);
    const config = await readConfig(ctx, { maxParallelism, logLevel });
    const fields = { name: workflowName, args: workflowArgs, ...rest };
    const run = await createRun(ctx, fields, config, runAt);
    if (runAt !== undefined) await wake(ctx, run, runAt);
    else if (startAsync) await enqueueTurns(ctx, [{ run }], config);
    else if (!createOnly) await callWithTrials(ctx, run);
    return run._id;
  },
});

/** Returns a run and its steps in flight, up to the size of one reply. */
export const getStatus = query({
  args: { workflowId: v.string() },
  returns: v.object({
    workflow: vRun,
    inProgress: v.array(vJournalEntry),
    logLevel: vLogLevel(),
  }),
  handler: async (ctx, { workflowId }) => {
    const workflow = await getRun(ctx, workflowId);
    const { log } = await readConfig(ctx);
    const inProgress = workflow.runResult
      ? []
      : await firstInFlight(ctx, workflow, new Budget(Infinity), 1000);
    const progress = progressOf(workflow, inProgress);
    return {
      workflow: { ...workflow, progress },
      inProgress,
      logLevel: log.level,
    };
  },
});

export const list = query({
  args: {
    ...runFilterFields,
    ...pageFields,
  },
  returns: vPaginated(vPublicRun),
  handler: async (ctx, args) => await listRuns(ctx, args),
});

export const listByName = query({
  args: {
    ...runFilterFields,
    name: v.string(),
    ...pageFields,
  },
  returns: vPaginated(vPublicRun),
  handler: async (ctx, args) => await listRuns(ctx, args),
});

/** Counts runs by status, exact up to 1,000 each, unless one transaction can't read that many. */
export const counts = query({
  args: {
    name: v.optional(v.string()),
    /** An earlier reply, to continue with runs that it couldn't count. */
    counted: v.optional(vCounts),
  },
  returns: vCounts,
  handler: async (ctx, args) => await countRuns(ctx, args),
});

export const listSteps = query({
  args: {
    workflowId: v.string(),
    ...pageFields,
  },
  returns: vPaginated(vPublicStep),
  handler: async (ctx, { workflowId, ...page }) =>
    await listStepsOf(ctx, await getRun(ctx, workflowId), page),
});

/** Lists runs without their values, with their step counts. */
export const listSummaries = query({
  args: {
    ...summaryFilterFields,
    ...pageFields,
  },
  returns: vPaginated(vRunSummary),
  handler: async (ctx, args) => await listSummariesOf(ctx, args),
});

/** Lists the names of the workflows that have runs. */
export const listNames = query({
  args: {},
  returns: v.array(v.string()),
  handler: async (ctx) => await namesOfRuns(ctx),
});

/** Returns a run with its relatives, the engine's state and, if requested, a page of its events. Null if it is unknown. */
export const getDetails = query({
  args: { workflowId: v.string(), events: v.optional(paginationOptsValidator) },
  returns: v.union(v.null(), vRunDetails),
  handler: async (ctx, { workflowId, events }) => {
    const run = await findRunByText(ctx, workflowId);
    return run && (await detailsOf(ctx, run, events));
  },
});

/** Lists steps without their values. An unknown run has none. */
export const listStepSummaries = query({
  args: {
    workflowId: v.string(),
    ...pageFields,
  },
  returns: vPaginated(vStepSummary),
  handler: async (ctx, { workflowId, ...page }) => {
    const run = await findRunByText(ctx, workflowId);
    return run ? await listStepSummariesOf(ctx, run, page) : onlyPage([]);
  },
});

/** Returns a run's step by its number. */
export const getStep = query({
  args: { workflowId: v.string(), stepNumber: v.number() },
  returns: v.union(v.null(), vPublicStep),
  handler: async (ctx, { workflowId, stepNumber }) => {
    const run = await findRunByText(ctx, workflowId);
    return run && (await findStep(ctx, run, stepNumber));
  },
});

/** Ignores a call that no longer fits the run's state. Absent: throw. */
const vIgnore = v.optional(v.literal("ignore"));

/** Stops a run and its children. Returns false if the run has ended and `ifFinished` ignores that. */
export const cancel = mutation({
  args: { workflowId: v.string(), ifFinished: vIgnore },
  // Apps have types from 0.4, which returns null.
  returns: v.union(v.null(), v.literal(false)),
  handler: async (ctx, { workflowId, ifFinished }) => {
    const run = await getRun(ctx, workflowId);
    if (run.runResult && ifFinished) return false;
    if (run.runResult)
      throw codedError(
        "WORKFLOW_FINISHED",
        `Can't cancel workflow ${run._id}: it is already ${statusOfRun(run)}.`,
        run._id,
      );
    await cancelRuns(ctx, [{ workflowId: run._id }]);
    return null;
  },
});

/** Finds the workflow's run in progress that has a key. */
export const findByKey = query({
  args: { name: v.string(), key: v.string() },
  returns: v.union(v.id("workflows"), v.null()),
  handler: async (ctx, { name, key }) =>
    (await runWithKey(ctx, name, key))?._id ?? null,
});

/** Cancels the run in progress that has a key, or returns its id. */
export const claimKey = mutation({
  args: {
    name: v.string(),
    key: v.string(),
    replaces: v.boolean(),
    /** The run whose handler starts the next one. */
    starter: v.optional(v.string()),
  },
  returns: v.union(v.id("workflows"), v.null()),
  handler: async (ctx, { replaces, starter, ...workflow }) =>
    await claim(ctx, workflow, replaces, starter),
});

/** Restarts a finished run over the part of its journal before `from`. */
export const restart = mutation({
  args: {
    workflowId: v.string(),
    from: v.optional(v.union(v.number(), v.string())),
    /** Restart from the last failed step. */
    fromFailure: v.optional(v.boolean()),
    startAsync: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: async (ctx, { workflowId, startAsync = false, ...place }) => {
    const run = await getRun(ctx, workflowId);
    await restartRun(ctx, run, { ...place, startAsync });
  },
});

/** Ends a run with a result, or cancels it. */
export const complete = mutation({
  args: {
    workflowId: v.string(),
    generationNumber: v.number(),
    runResult: vRunResult(),
  },
  returns: v.null(),
  handler: async (ctx, { workflowId, generationNumber, runResult }) => {
    const run = await findRun(ctx, parseRunId(ctx, workflowId));
    const problem = staleProblem(run, generationNumber);
    if (problem || !run)
      throw new Error(`Can't complete workflow ${workflowId}: ${problem}.`);
    if (runResult.kind === "canceled")
      await cancelRuns(ctx, [{ workflowId: run._id }]);
    else await endRun(ctx, run, runResult, await readConfig(ctx));
  },
});

function staleProblem(run: Run | null, generationNumber: number) {
  if (!run) return "it was not found, it may have been cleaned up";
  if (run.runResult) return `it is already ${statusOfRun(run)}`;
  return run.generationNumber === generationNumber
    ? undefined
    : `the generation number ${generationNumber} is not the current one, ${run.generationNumber}`;
}

/**
 * Deletes a finished run with its steps, events and children. Does nothing and returns false if the run is unknown, or
 * if it is in progress and `force` isn't set. With `force`, it is canceled first.
 */
export const cleanup = mutation({
  args: { workflowId: v.string(), force: v.optional(v.boolean()) },
  returns: v.boolean(),
  handler: async (ctx, { workflowId, force }) =>
    await cleanUp(ctx, parseRunId(ctx, workflowId), force ?? false),
});

/** Applies one operation to several runs, as many as fit in one transaction. */
export const changeRuns = mutation({
  args: many.changeRunsArgs,
  returns: many.vRunsChanged,
  handler: async (ctx, args) => await many.changeRuns(ctx, args),
});

/** Acts on one batch of matching runs, oldest first. Returns where to continue. */
export const cancelMany = mutation({
  args: many.manyFields,
  returns: many.vManyDone,
  handler: async (ctx, args) => await many.cancelMany(ctx, args),
});

export const restartMany = mutation({
  args: {
    ...many.manyFields,
    from: v.optional(v.union(v.number(), v.string())),
    fromFailure: v.optional(v.boolean()),
  },
  returns: many.vManyDone,
  handler: async (ctx, args) => await many.restartMany(ctx, args),
});

export const cleanupMany = mutation({
  args: many.manyFields,
  returns: many.vManyDone,
  handler: async (ctx, args) => await many.cleanupMany(ctx, args),
});

export const listOnCompleteFailures = query({
  args: pageFields,
  returns: vPaginated(vOnCompleteFailure),
  handler: async (ctx, page) => await listFailures(ctx, page),
});

/** Calls a failed `onComplete` again. */
export const retryOnComplete = mutation({
  args: { id: v.string() },
  returns: v.null(),
  handler: async (ctx, { id }) => await retryFailed(ctx, id),
});

/** Continues a cleanup whose run is already deleted. */
export const cleanupContinue = internalMutation({
  args: {
    workflowId: v.string(),
    fromStepNumber: v.number(),
    canceled: v.optional(v.boolean()),
  },
  returns: v.null(),
  handler: async (ctx, { workflowId, ...rest }) =>
    await deleteBatch(ctx, {
      workflowId: parseRunId(ctx, workflowId),
      ...rest,
    }),
});

/** The job of a sleep that 0.4 left in the workpool. It does nothing, because the delay is its purpose. */
export const sleep = internalQuery({
  args: {},
  returns: v.null(),
  handler: () => Promise.resolve(null),
});
