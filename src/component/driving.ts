import { v } from "convex/values";
import {
  internalAction,
  internalMutation,
  internalQuery,
} from "./_generated/server.js";
import { vDrivenStep } from "../shared/driverProtocol.js";
import { vDriver } from "./schema.js";
import * as loop from "../engine/driver/loop.js";
import * as reports from "../engine/driver/reports.js";

export const drive = internalAction({
  args: loop.driveArgs,
  returns: loop.driveReturns,
  handler: loop.drive,
});

export const dueStep = internalQuery({
  args: vDriver,
  returns: v.union(v.null(), vDrivenStep()),
  handler: loop.dueStep,
});

export const mayHoldOn = internalQuery({
  args: { holders: v.number() },
  returns: v.boolean(),
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
