import type { MutationCtx } from "../../component/_generated/server.js";
import { scheduleTask, withdrawTask } from "../platform/tasks.js";
import { generationOf, type Run } from "./runs.js";

/**
 * Schedules a run's due task and replaces the earlier one: its deadline while it is in progress, or its cleanup once
 * it has ended. Returns the run's new `dueTask`.
 */
export async function scheduleDue(
  ctx: MutationCtx,
  run: Run,
  beginsAt = Date.now(),
): Promise<Run["dueTask"]> {
  if (run.dueTask) await withdrawTask(ctx, run.dueTask);
  const args = generationOf(run);
  if (!run.runResult) {
    if (run.timeoutMs === undefined) return undefined;
    const dueAt = beginsAt + run.timeoutMs;
    return await scheduleTask(ctx, "timeOut", args, dueAt);
  }
  const { completed, failed, canceled } = run.retention ?? {};
  const keptMs = { success: completed, failed, canceled }[run.runResult.kind];
  // A child is cleaned up with its parent.
  if (keptMs === undefined || run.parent) return undefined;
  return await scheduleTask(ctx, "expire", args, beginsAt + keptMs);
}
