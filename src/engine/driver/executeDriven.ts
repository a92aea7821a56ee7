import type { Infer } from "convex/values";
import type { vBeginDrive } from "../../shared/driverProtocol.js";
import { startClock } from "../../shared/clock.js";
import { STEP_MS_BEFORE_TURN } from "../../shared/limits.js";
import { storableOutcome } from "../../shared/outcome.js";
import { isHalfUnused } from "../../shared/transactionBudget.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { concludeAttempt } from "../step/attempts.js";
import {
  recordLateResult,
  recordResult,
  type PendingStep,
  type Outcome,
} from "../step/completing.js";
import { detachDriver } from "../run/driverState.js";
import { runMutation } from "../step/invoke.js";
import type { vCompletedStep } from "../turn/turnRecord.js";
import { stepAt, type Run } from "../run/runs.js";

export interface ExecutedStep extends PendingStep {
  completed: Infer<typeof vCompletedStep>;
}

/**
 * The part of a driver's turn before the handler. It executes the driver's step, unless an earlier call committed and
 * the driver missed the reply. Returns null if there is no turn to take, because the driver was detached or the step
 * is retried.
 */
export async function executeDriven(
  ctx: MutationCtx,
  run: Run,
  {
    driver,
    stepNumber,
    outcome: reported,
  }: Infer<ReturnType<typeof vBeginDrive>>,
): Promise<ExecutedStep | { run: Run; completed?: undefined } | null> {
  if (!run.driver || run.drivers !== driver) return null;
  // When the run ends, the driver continues with its step, as a job of the workpool would.
  const runHasEnded = run.runResult !== undefined;
  const row = await stepAt(ctx, run._id, stepNumber);
  if (!row?.step.inProgress || row.drivenBy !== driver)
    return runHasEnded ? null : { run };
  if (reported) {
    const outcome = await concludeAttempt(ctx, { row, run }, reported);
    return (
      outcome && (await executed(ctx, { row, run }, outcome, !runHasEnded))
    );
  }
  const elapsed = startClock();
  const outcome = await runMutation(ctx, { row, run });
  const isLong = elapsed() > STEP_MS_BEFORE_TURN;
  const now = await ctx.db.get("workflows", run._id);
  if (now && isStillDriven(now, run))
    return await executed(
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

/** Lets the turn follow in the same transaction unless too little of its budget is left. */
async function executed(
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
