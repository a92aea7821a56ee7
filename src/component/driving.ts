import { v } from "convex/values";
import {
  internalAction,
  internalMutation,
  internalQuery,
  mutation,
} from "./_generated/server.js";
import * as loop from "../engine/driver/loop.js";
import * as recover from "../engine/lifecycle/recover.js";

export const drive = internalAction({
  args: loop.driveArgs,
  returns: loop.driveReturns,
  handler: loop.drive,
});

export const dueStep = internalQuery({
  args: loop.dueStepArgs,
  returns: loop.dueStepReturns,
  handler: loop.dueStep,
});

export const mayHoldOn = internalQuery({
  args: loop.mayHoldOnArgs,
  returns: loop.mayHoldOnReturns,
  handler: loop.mayHoldOn,
});

export const dismiss = mutation({
  args: loop.dismissArgs,
  returns: v.null(),
  handler: loop.dismiss,
});

export const giveUp = internalMutation({
  args: recover.giveUpArgs,
  returns: v.null(),
  handler: recover.giveUp,
});

export const onComplete = internalMutation({
  args: recover.onCompleteArgs,
  returns: v.null(),
  handler: recover.onComplete,
});

export const check = internalMutation({
  args: recover.checkArgs,
  returns: v.null(),
  handler: recover.check,
});
