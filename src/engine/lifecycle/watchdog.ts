import { v, type ObjectType } from "convex/values";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig } from "../platform/config.js";
import { endWithoutCallback, keepDeadCallback } from "./end.js";
import {
  lookAtScheduled,
  schedulePending,
  type vPending,
  vWatched,
  watch,
} from "../platform/scheduler.js";
import { scheduleTaskAgain } from "../platform/tasks.js";
import { scheduleRunEnd, setPendingTurn } from "../run/waking.js";

/** Work that has been late for so long is also done from an action. */
const VERY_LATE_MS = 30 * 60_000;

export const lookArgs = {
  watched: vWatched,
  scheduledId: v.string(),
  lateMs: v.number(),
};

/**
 * Looks after work that was scheduled. Late is not dead: it costs nothing. Work that failed for good is given up as
 * its kind says. Any other that won't come, because an operator canceled it, is scheduled again.
 *
 * A scheduled mutation that dies of errors of the platform's own stays pending for ever, with up to two hours
 * between its tries, and can't be told from one that waits. So a very late one is done from an action too, which
 * waits for no backoff: whichever comes first does it, the other then finds nothing to do. It never fails a run.
 */
export async function look(
  ctx: MutationCtx,
  { watched, scheduledId, lateMs }: ObjectType<typeof lookArgs>,
) {
  const due =
    "taskId" in watched
      ? await dueTask(ctx, watched.taskId)
      : await duePending(ctx, watched);
  if (due?.scheduledId !== scheduledId) return null;
  const state = await lookAtScheduled(ctx, scheduledId);
  if (state.kind === "dead") await due.onDead(state.error);
  else if (state.kind !== "late") await due.scheduleAgain();
  else {
    // Not noted in the row, where it would conflict with what it waits for.
    await watch(ctx, scheduledId, watched, lateMs);
    if (lateMs < VERY_LATE_MS) return null;
    const { log } = await readConfig(ctx);
    log.warn(
      `${due.what} has been due for ${Math.round(lateMs / 60_000)} minutes. The deployment is busy, or the ` +
        `transaction dies of an internal error.`,
    );
    await ctx.scheduler.runAfter(0, internal.turns.takeNow, { watched });
  }
  return null;
}

/** Work that is still to be done. */
interface Due {
  what: string;
  scheduledId: string | undefined;
  scheduleAgain(): Promise<void>;
  onDead(error: string): Promise<void>;
}

/** A run's turn, or with a result its end. */
async function duePending(
  ctx: MutationCtx,
  pending: ObjectType<typeof vPending>,
): Promise<Due | null> {
  const { workflowId, generationNumber, result } = pending;
  const run = await ctx.db.get("workflows", workflowId);
  if (run?.generationNumber !== generationNumber || run.runResult) return null;
  const { pendingTurn } = run;
  if (!pendingTurn || !("scheduledId" in pendingTurn)) return null;
  return {
    what: `${result ? "The end" : "A turn"} of workflow ${workflowId} ("${run.name}")`,
    scheduledId: pendingTurn.scheduledId,
    async scheduleAgain() {
      await setPendingTurn(ctx, run, await schedulePending(ctx, pending));
    },
    async onDead(error) {
      if (result) await endWithoutCallback(ctx, run, result, error);
      else
        await scheduleRunEnd(ctx, run, {
          kind: "failed",
          error: `A turn of workflow ${run._id} died: ${error}`,
        });
    },
  };
}

async function dueTask(
  ctx: MutationCtx,
  taskId: Id<"tasks">,
): Promise<Due | null> {
  const task = await ctx.db.get("tasks", taskId);
  if (!task) return null;
  const what = `A task of the kind "${task.kind}"`;
  return {
    what,
    scheduledId: task.scheduledId,
    scheduleAgain: () => scheduleTaskAgain(ctx, taskId),
    async onDead(error) {
      if (task.kind === "callOnComplete") {
        await ctx.db.delete("tasks", taskId);
        return await keepDeadCallback(ctx, task.args as never, error);
      }
      const { log } = await readConfig(ctx);
      log.error(`${what} died, and is tried again: ${error}`);
      await scheduleTaskAgain(ctx, taskId);
    },
  };
}
