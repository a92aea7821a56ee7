import { v } from "convex/values";
import { internalAction, internalMutation } from "./_generated/server.js";
import * as scheduled from "../engine/lifecycle/scheduled.js";
import { vDue, vPending } from "../engine/platform/scheduler.js";
import * as watchdog from "../engine/lifecycle/watchdog.js";

// Scheduled work: turns and tasks, and the watchdog of turns, tasks, drivers and steps' jobs.

export const take = internalMutation({
  args: vPending,
  returns: v.null(),
  handler: scheduled.take,
});

export const takeNow = internalAction({
  args: { due: vDue },
  returns: v.null(),
  handler: scheduled.takeNow,
});

export const look = internalMutation({
  args: watchdog.lookArgs,
  returns: v.null(),
  handler: watchdog.look,
});

export const perform = internalMutation({
  args: { taskId: v.id("tasks") },
  returns: v.null(),
  handler: scheduled.perform,
});
