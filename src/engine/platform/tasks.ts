import type { FunctionArgs } from "convex/server";
import { internal } from "../../component/_generated/api.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { cancelScheduled, delayUntil, watch } from "./scheduler.js";

/** The function that performs each kind of task. If a task is performed twice or too late, it changes nothing. */
const TASKS = {
  cancel: internal.ending.continueCancel,
  restart: internal.ending.continueRestart,
  cleanUp: internal.workflow.cleanupContinue,
  cleanUpNested: internal.ending.cleanupChild,
  callOnComplete: internal.ending.callBack,
  timeOut: internal.ending.timeOut,
  expire: internal.ending.expire,
};
type Kind = Doc<"tasks">["kind"];

/** Schedules work in a transaction of its own. Its row remains whatever happens to the scheduled function. */
export async function scheduleTask<K extends Kind>(
  ctx: MutationCtx,
  kind: K,
  args: FunctionArgs<(typeof TASKS)[K]>,
  dueAt?: number,
): Promise<Id<"tasks">> {
  const taskId = await ctx.db.insert("tasks", { kind, args, dueAt });
  await scheduleTaskAgain(ctx, taskId);
  return taskId;
}

/** Cancels a task that wasn't performed. */
export async function withdrawTask(ctx: MutationCtx, taskId: Id<"tasks">) {
  const task = await ctx.db.get("tasks", taskId);
  if (!task) return;
  await ctx.db.delete("tasks", taskId);
  for (const id of [task.scheduledId, task.checkId])
    if (id) await cancelScheduled(ctx, id);
}

/** As `scheduleTask`, for a task whose scheduled function won't run. */
export async function scheduleTaskAgain(ctx: MutationCtx, taskId: Id<"tasks">) {
  const task = await ctx.db.get("tasks", taskId);
  const dueInMs = delayUntil(task?.dueAt);
  const scheduledId = await ctx.scheduler.runAfter(
    dueInMs,
    internal.turns.perform,
    { taskId },
  );
  const checkId = await watch(ctx, scheduledId, { taskId }, { dueInMs });
  await ctx.db.patch("tasks", taskId, { scheduledId, checkId });
}

/** Performs a task once, or schedules it again if it isn't due yet. */
export async function performTask(ctx: MutationCtx, taskId: Id<"tasks">) {
  const task = await ctx.db.get("tasks", taskId);
  if (!task) return;
  if (task.checkId) await cancelScheduled(ctx, task.checkId);
  if (delayUntil(task.dueAt) > 0) return await scheduleTaskAgain(ctx, taskId);
  await ctx.db.delete("tasks", taskId);
  await ctx.runMutation(TASKS[task.kind], task.args as never);
}
