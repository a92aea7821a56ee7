import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { vGeneration } from "./schema.js";
import * as end from "../engine/lifecycle/end.js";
import * as cancel from "../engine/lifecycle/cancel.js";
import * as cleanup from "../engine/lifecycle/cleanup.js";
import * as restart from "../engine/lifecycle/restart.js";

export const callBack = internalMutation({
  args: end.callBackArgs,
  returns: v.null(),
  handler: end.callBack,
});

export const continueCancel = internalMutation({
  args: cancel.continueCancelArgs,
  returns: v.null(),
  handler: cancel.continueCancel,
});

export const timeOut = internalMutation({
  args: vGeneration,
  returns: v.null(),
  handler: cancel.timeOut,
});

export const expire = internalMutation({
  args: cleanup.expireArgs,
  returns: v.null(),
  handler: cleanup.expire,
});

export const cleanupChild = internalMutation({
  args: cleanup.cleanupChildArgs,
  returns: v.null(),
  handler: cleanup.cleanupChild,
});

export const continueRestart = internalMutation({
  args: restart.continueRestartArgs,
  returns: v.null(),
  handler: restart.continueRestart,
});
