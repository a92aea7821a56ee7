import { v } from "convex/values";
import {
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
} from "./_generated/server.js";
import * as loop from "../engine/driver/loop.js";
import * as recover from "../engine/lifecycle/recover.js";

/**
 * Executes a chain of steps: each turn is called with what came of the step before, and says which
 * step is next. It ends when there is none, or more than one, or when it was dismissed.
 */
export const drive = internalAction({
  args: loop.driveArgs,
  returns: loop.driveReturns,
  handler: loop.drive,
});

/** The query or action that a driver has to execute. Null: it is not the run's driver any more. */
export const dueStep = internalQuery({
  args: loop.dueStepArgs,
  returns: loop.dueStepReturns,
  handler: loop.dueStep,
});

/**
 * Whether so few runs are driven that each driver may hold on. One that waits for its next attempt holds
 * nothing yet. Asked by actions, so it conflicts with nothing.
 */
export const mayHoldOn = internalQuery({
  args: loop.mayHoldOnArgs,
  returns: loop.mayHoldOnReturns,
  handler: loop.mayHoldOn,
});

/** A turn left its driver without a step to execute. */
export const dismiss = mutation({
  args: loop.dismissArgs,
  returns: v.null(),
  handler: loop.dismiss,
});

/**
 * A driver could not take a turn together with its step: the step is recorded alone, the turn taken
 * alone.
 */
export const giveUp = internalMutation({
  args: recover.giveUpArgs,
  returns: v.null(),
  handler: recover.giveUp,
});

/**
 * Told by the pool that a driver ended, died or was canceled. A query or mutation that it was to execute has
 * not happened, or it would be recorded; an action may have.
 */
export const onComplete = internalMutation({
  args: recover.onCompleteArgs,
  returns: v.null(),
  handler: recover.onComplete,
});

/**
 * Takes a run over from a driver that was running at the last check and has not got on with a query or
 * mutation since, or that has ended without telling what came of its action. One that has not begun waits
 * for others, as the step would in its place.
 */
export const check = internalMutation({
  args: recover.checkArgs,
  returns: v.null(),
  handler: recover.check,
});
