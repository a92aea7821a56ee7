import { v } from "convex/values";
import { internalAction, internalMutation } from "./_generated/server.js";
import * as scheduled from "../engine/lifecycle/scheduled.js";
import { vPending } from "../engine/platform/scheduler.js";
import { performTask } from "../engine/platform/tasks.js";
import * as watchdog from "../engine/lifecycle/watchdog.js";

// Scheduled work: turns, tasks, and the watchdog of both.

export const take = internalMutation({
  args: vPending,
  returns: v.null(),
  handler: scheduled.take,
});

export const takeNow = internalAction({
  args: scheduled.takeNowArgs,
  returns: v.null(),
  handler: scheduled.takeNow,
});

export const look = internalMutation({
  args: watchdog.lookArgs,
  returns: v.null(),
  handler: watchdog.look,
});

/** Performs a task: see `scheduleTask`. */
export const perform = internalMutation({
  args: { taskId: v.id("tasks") },
  returns: v.null(),
  handler: async (ctx, { taskId }) => {
    await performTask(ctx, taskId);
    return null;
  },
});
