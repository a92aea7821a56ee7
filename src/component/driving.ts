import { v } from "convex/values";
import {
  internalAction,
  internalMutation,
  internalQuery,
} from "./_generated/server.js";
import * as loop from "../engine/driver/loop.js";
import * as reports from "../engine/driver/reports.js";

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

export const fallBackToPool = internalMutation({
  args: reports.fallBackArgs,
  returns: v.null(),
  handler: reports.fallBackToPool,
});

export const onComplete = internalMutation({
  args: reports.onCompleteArgs,
  returns: v.null(),
  handler: reports.onComplete,
});
