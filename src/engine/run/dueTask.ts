import type { MutationCtx } from "../../component/_generated/server.js";
import { scheduleTask, withdrawTask } from "../platform/tasks.js";
import type { Run } from "./runs.js";

/**
 * Schedules a run's due task and replaces the earlier one: its deadline while it is in progress, or its cleanup once
 * it has ended. Changes `run`, which the caller writes.
 */
export async function scheduleDue(
  ctx: MutationCtx,
  run: Run,
  beginsAt = Date.now(),
) {
  if (run.dueTask) await withdrawTask(ctx, run.dueTask);
  run.dueTask = undefined;
  const { _id: workflowId, generationNumber } = run;
  const args = { workflowId, generationNumber };
  if (!run.runResult) {
    if (run.timeoutMs === undefined) return;
    const dueAt = beginsAt + run.timeoutMs;
    run.dueTask = await scheduleTask(ctx, "timeOut", args, dueAt);
    return;
  }
  const { completed, failed, canceled } = run.retention ?? {};
  const keptMs = { success: completed, failed, canceled }[run.runResult.kind];
  // A child is cleaned up with its parent.
  if (keptMs === undefined || run.parent) return;
  run.dueTask = await scheduleTask(ctx, "expire", args, beginsAt + keptMs);
}
