import { vWorkId } from "@convex-dev/workpool";
import { v } from "convex/values";
import { vStepOutcome } from "../shared/driverProtocol.js";
import { vRunResult, type Outcome } from "../shared/outcome.js";
import { internal } from "./_generated/api.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { concludeAttempt, takeOver } from "./attempts.js";
import { recordResult, type Completion } from "./completing.js";
import {
  dismissDriver,
  DRIVER_CHECK_MS,
  driverOf,
  forgetDriver,
  stateOfDriver,
  vDriver,
} from "./drivers.js";
import { executeAgain } from "./retrying.js";
import { functionTypeOf, type Run, type StepRow } from "./runs.js";
import { wake } from "./waking.js";

/**
 * A driver could not take a turn together with its step: the step is recorded alone, the turn taken
 * alone.
 */
export const giveUp = internalMutation({
  args: {
    ...vDriver,
    stepNumber: v.number(),
    outcome: v.optional(vStepOutcome),
  },
  returns: v.null(),
  handler: async (ctx, { stepNumber, outcome, ...id }) => {
    const found = await driverOf(ctx, id);
    if (!found) return null;
    const { run, row } = found;
    await dismissDriver(ctx, run);
    if (!row) await wakeUnended(ctx, run);
    // The turn had committed, and the next step is in flight without having begun.
    else if (row.stepNumber !== stepNumber || !outcome)
      await executeAgain(ctx, { row, run });
    else
      await record(
        ctx,
        { row, run },
        await concludeAttempt(ctx, { row, run }, outcome),
      );
    return null;
  },
});

async function wakeUnended(ctx: MutationCtx, run: Run) {
  if (!run.runResult) await wake(ctx, run);
}

/** Null: the step is executed again. */
async function record(
  ctx: MutationCtx,
  step: Completion,
  outcome: Outcome | null,
) {
  if (outcome) await recordResult(ctx, step, outcome);
}

/**
 * Told by the pool that a driver died or was canceled. A query or mutation that it was to execute has
 * not happened, or it would be recorded; an action may have.
 */
export const onComplete = internalMutation({
  args: { workId: vWorkId, result: vRunResult, context: v.object(vDriver) },
  returns: v.null(),
  handler: async (ctx, { result, context }) => {
    const found = result.kind !== "success" && (await driverOf(ctx, context));
    if (!found) return null;
    const { run, row } = found;
    await dismissDriver(ctx, run);
    if (!row) await wakeUnended(ctx, run);
    else if (result.kind === "canceled")
      await recordResult(ctx, { row, run }, { result });
    else
      await record(
        ctx,
        { row, run },
        await takeOver(ctx, { row, run }, result),
      );
    return null;
  },
});

const isAction = ({ step }: StepRow) => functionTypeOf(step) === "action";

/** While a driver waits in the pool, for others, it is looked after more and more rarely. */
const LONGEST_CHECK_MS = 10 * 60_000;

/**
 * Takes a run over from a driver that has not got on with a query or mutation since the last check, or
 * that has ended without telling what came of its action. One that the pool has not begun waits for
 * others, as the step would in its place.
 */
export const check = internalMutation({
  args: { ...vDriver, stepNumber: v.number(), afterMs: v.number() },
  returns: v.null(),
  handler: async (ctx, { stepNumber, afterMs, ...id }) => {
    const found = await driverOf(ctx, id);
    if (!found) return null;
    const { run, row } = found;
    if (!row) {
      await forgetDriver(ctx, run);
      await wakeUnended(ctx, run);
      return null;
    }
    const state = await stateOfDriver(ctx, run.driver!);
    const isLost = isAction(row) ? state === "finished" : state !== "pending";
    if (row.stepNumber === stepNumber && isLost) {
      await forgetDriver(ctx, run);
      const step = { row, run };
      await record(ctx, step, await takeOver(ctx, step, WITHOUT_A_WORD));
      return null;
    }
    const nextMs =
      state === "pending"
        ? Math.min(2 * afterMs, LONGEST_CHECK_MS)
        : DRIVER_CHECK_MS;
    const checkId = await ctx.scheduler.runAfter(
      nextMs,
      internal.recovering.check,
      { ...id, stepNumber: row.stepNumber, afterMs: nextMs },
    );
    await ctx.db.patch("workflows", run._id, {
      driver: { ...run.driver!, checkId },
    });
    return null;
  },
});

const WITHOUT_A_WORD = { error: "its driver ended without a word" };
