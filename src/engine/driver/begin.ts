import { v, type Infer, type ObjectType } from "convex/values";
import { startClock } from "../../shared/clock.js";
import { vBeginDrive } from "../../shared/driverProtocol.js";
import { MAX_JOURNAL_BYTES, STEP_MS_BEFORE_TURN } from "../../shared/limits.js";
import { vLogLevel } from "../../shared/logging.js";
import { storableOutcome } from "../../shared/outcome.js";
import { sizeOf } from "../../shared/storable.js";
import { isHalfUnused } from "../../shared/transactionBudget.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig } from "../platform/config.js";
import {
  detachDriver,
  isAttached,
  markCopyCurrent,
} from "../run/driverState.js";
import { scheduleDue } from "../run/dueTask.js";
import {
  isInFlight,
  parseRunId,
  stepAt,
  updateRun,
  type Run,
} from "../run/runs.js";
import { clearPendingTurn } from "../run/waking.js";
import { concludeAttempt } from "../step/attempts.js";
import {
  recordLateResult,
  recordResult,
  type Outcome,
  type PendingStep,
} from "../step/completing.js";
import { runMutation } from "../step/invoke.js";
import {
  readJournal,
  rowsOf,
  toPages,
  vPages,
  vRun,
  vTooLarge,
} from "../turn/journalRows.js";
import { vCompletedStep } from "../turn/turnRecord.js";

export const beginFields = {
  workflowId: v.string(),
  generationNumber: v.number(),
  drive: v.optional(vBeginDrive()),
  /** The option of the workflow's definition. */
  timeoutMs: v.optional(v.number()),
};

export const vBegun = v.union(
  v.null(),
  /** This component has no such run. It was cleaned up, or belongs to another instance. */
  v.literal("unknown"),
  v.object({
    workflow: vRun,
    /** Absent: the driver's copy is up to date. */
    journal: v.optional(vPages),
    journalSize: v.number(),
    /** The step that the driver executed, with its result. It isn't recorded yet. */
    completed: v.optional(vCompletedStep),
    tooLarge: v.optional(vTooLarge),
    /** A step is in flight. Only runs of 0.4, which no driver executes, need it. */
    blocked: v.boolean(),
    logLevel: vLogLevel(),
  }),
);

/**
 * Begins a turn. From now on, a result that arrives schedules another turn, even inside this transaction. Returns null
 * if the turn has nothing to do because the run ended, was canceled or restarted meanwhile, or because the driver was
 * detached or leaves the turn to another transaction.
 */
export async function beginTurn(
  ctx: MutationCtx,
  {
    workflowId,
    generationNumber,
    drive,
    timeoutMs,
  }: ObjectType<typeof beginFields>,
): Promise<Infer<typeof vBegun>> {
  let run = await ctx.db.get("workflows", parseRunId(ctx, workflowId));
  if (!run) return "unknown";
  if (run.generationNumber !== generationNumber || run.restarting) return null;
  const driven = drive && (await executeDriven(ctx, run, drive));
  if (driven === null || run.runResult) return null;
  if (driven) run = driven.run;
  // A parent doesn't know its child's definition.
  if (run.parent && timeoutMs !== undefined && run.timeoutMs === undefined) {
    const dueTask = await scheduleDue(ctx, { ...run, timeoutMs });
    await updateRun(ctx, run, { timeoutMs, dueTask });
  }
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
  if (drive) await markCopyCurrent(ctx, run);
  const { pages, size, ...read } = await readJournal(ctx, run._id);
  const tooLarge = read.tooLarge ?? (completed && tooLargeWith(driven, size));
  const { log } = await readConfig(ctx);
  return {
    workflow: run,
    journal: toPages(pages),
    journalSize: size,
    completed,
    tooLarge,
    blocked: rowsOf(pages).some(isInFlight),
    logLevel: log.level,
  };
}

/** Whether the result of the executed step exceeds the journal's limit. */
function tooLargeWith({ row, completed }: ExecutedStep, sizeBefore: number) {
  const { result, failure } = completed;
  const size = sizeBefore + sizeOf(result) + sizeOf(failure);
  if (size <= MAX_JOURNAL_BYTES) return undefined;
  return { size, stepNumber: row.stepNumber, name: row.step.name };
}

interface ExecutedStep extends PendingStep {
  completed: Infer<typeof vCompletedStep>;
}

/**
 * The part of a driver's turn before the handler. It executes the driver's step, unless an earlier call committed and
 * the driver missed the reply. Returns null if no turn follows in this transaction: the driver was detached, the
 * run ended, or the step is retried or was recorded here.
 */
async function executeDriven(
  ctx: MutationCtx,
  run: Run,
  {
    driver,
    stepNumber,
    outcome: reported,
  }: Infer<ReturnType<typeof vBeginDrive>>,
): Promise<ExecutedStep | { run: Run; completed?: undefined } | null> {
  if (!isAttached(run, driver)) return null;
  // When the run ends, the driver continues with its step, as a job of the workpool would.
  const runHasEnded = run.runResult !== undefined;
  const row = await stepAt(ctx, run._id, stepNumber);
  if (!row?.step.inProgress || row.drivenBy !== driver)
    return runHasEnded ? null : { run };
  if (reported) {
    const outcome = await concludeAttempt(ctx, { row, run }, reported);
    return (
      outcome && (await handToTurn(ctx, { row, run }, outcome, !runHasEnded))
    );
  }
  const elapsed = startClock();
  const outcome = await runMutation(ctx, { row, run });
  const isLong = elapsed() > STEP_MS_BEFORE_TURN;
  const now = await ctx.db.get("workflows", run._id);
  if (now && isStillDriven(now, run))
    return await handToTurn(
      ctx,
      { row, run: now },
      outcome,
      !runHasEnded && !isLong,
    );
  await recordLateResult(ctx, row._id, outcome);
  return null;
}

const isStillDriven = (now: Run, before: Run) =>
  now.generationNumber === before.generationNumber &&
  now.runResult?.kind === before.runResult?.kind &&
  now.drivers === before.drivers &&
  now.driver !== undefined;

/**
 * Hands the result to the turn that follows in this transaction. Records it here if no turn may follow, or if too little
 * of the transaction's budget is left for one.
 */
async function handToTurn(
  ctx: MutationCtx,
  { row, run }: PendingStep,
  outcome: Outcome,
  takesTurn: boolean,
): Promise<ExecutedStep | null> {
  if (takesTurn && (await isHalfUnused(ctx))) {
    const { _id: stepId, stepNumber } = row;
    const storable = storableOutcome(row.step, outcome);
    return { run, row, completed: { stepId, stepNumber, ...storable } };
  }
  await detachDriver(ctx, run);
  await recordResult(ctx, { row, run }, outcome);
  return null;
}
