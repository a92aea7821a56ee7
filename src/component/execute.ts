import { v } from "convex/values";
import { vStepCall, vStepOutcome } from "../shared/driverProtocol.js";
import { internalAction, internalMutation } from "./_generated/server.js";
import { awaitedStep, recordLateResult } from "../engine/step/completing.js";
import {
  attempt,
  runMutation,
  start as startRun,
  startArgs,
} from "../engine/step/invoke.js";
import { fireTimer } from "../engine/step/timer.js";
import { vStepExecution } from "./schema.js";

/** Runs a mutation step and records its result, in one transaction. */
export const transaction = internalMutation({
  args: vStepExecution,
  returns: v.null(),
  handler: async (ctx, execution) => {
    const due = await awaitedStep(ctx, execution);
    if (!due) return;
    // The workpool's own job schedules its completion.
    const outcome = await runMutation(ctx, due, { scheduledBeside: 1 });
    await recordLateResult(ctx, due.row._id, outcome);
  },
});

/** Starts a run for a step. */
export const start = internalMutation({
  args: startArgs,
  returns: v.any(),
  handler: startRun,
});

/** Runs a query step, or one attempt of an action step. */
export const action = internalAction({
  args: vStepCall().fields,
  returns: vStepOutcome(),
  handler: async (ctx, call) => await attempt(ctx, call),
});

/** Ends a sleep or an event wait that is due. */
export const timer = internalMutation({
  // Timers that are already scheduled may pass `isLastLeg`.
  args: { ...vStepExecution, isLastLeg: v.optional(v.boolean()) },
  returns: v.null(),
  handler: async (ctx, { isLastLeg: _isLastLeg, ...execution }) =>
    await fireTimer(ctx, execution),
});
