import type { Infer } from "convex/values";
import { internal } from "../../component/_generated/api.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Generation, vOnComplete } from "../../component/schema.js";
import type { Failure, RunResult } from "../../shared/outcome.js";
import { cancelScheduled, delayUntil, watch } from "./scheduler.js";

/**
 * The arguments of each kind of task. `claimTask` lets each be performed once. Those with a generation do nothing if the
 * run was canceled or restarted since, except `callOnComplete`.
 */
export interface TaskArgs {
  /** Also the rest of any other end. */
  cancel: { runs: Ending[] };
  restart: Generation;
  cleanUp: {
    workflowId: Id<"workflows">;
    fromStepNumber: number;
    /** Its steps in flight were stopped. */
    canceled?: boolean;
  };
  cleanUpNested: { workflowId: Id<"workflows"> };
  callOnComplete: Callback;
  timeOut: Generation;
  expire: Generation;
}
export type TaskKind = Doc<"tasks">["kind"];

/**
 * A run to cancel or, with a `generationNumber`, an ended one. Its steps in flight that were created after `after`
 * remain to be released.
 */
export interface Ending {
  workflowId: Id<"workflows">;
  generationNumber?: number;
  after?: number;
}

/** A call of `onComplete`. */
export interface Callback extends Generation {
  onComplete: Infer<typeof vOnComplete>;
  runResult: RunResult;
  failure?: Failure;
}

/** Schedules work in a separate transaction. Its row remains even if the scheduled function is lost. */
export async function scheduleTask<Kind extends TaskKind>(
  ctx: MutationCtx,
  kind: Kind,
  args: TaskArgs[Kind],
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

/** Like `scheduleTask`, for a task whose scheduled function won't run. */
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

/** Deletes a due task, so that it is performed once. Returns null if it was deleted or scheduled again. */
export async function claimTask(ctx: MutationCtx, taskId: Id<"tasks">) {
  const task = await ctx.db.get("tasks", taskId);
  if (!task) return null;
  if (task.checkId) await cancelScheduled(ctx, task.checkId);
  if (delayUntil(task.dueAt) > 0) {
    await scheduleTaskAgain(ctx, taskId);
    return null;
  }
  await ctx.db.delete("tasks", taskId);
  return task;
}
