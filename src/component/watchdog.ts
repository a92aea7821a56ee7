import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation } from "./_generated/server.js";
import { readConfig } from "../engine/platform/config.js";
import { endWithoutCallback } from "./ending.js";
import {
  lookAtScheduled,
  schedulePending,
  vPending,
  watch,
} from "../engine/platform/scheduler.js";
import { scheduleRunEnd, setPendingTurn } from "../engine/run/waking.js";

/** A turn that has been late for so long is also taken from an action. */
const VERY_LATE_MS = 30 * 60_000;

/**
 * Looks after a turn, or the end of a run, that was scheduled. Late is not dead: it costs the run nothing. One that
 * failed for good ends the run. Any other that won't come, because an operator canceled it, is scheduled again.
 *
 * A scheduled mutation that dies of errors of the platform's own stays pending for ever, with up to two hours
 * between its tries, and can't be told from one that waits. So a very late one is taken from an action too, which
 * waits for no backoff: whichever comes first does it, the other then finds nothing to do. It never fails a run.
 */
export const look = internalMutation({
  args: { ...vPending, scheduledId: v.string(), lateMs: v.number() },
  returns: v.null(),
  handler: async (ctx, { lateMs, scheduledId, ...pending }) => {
    const { workflowId, generationNumber, result } = pending;
    const run = await ctx.db.get("workflows", workflowId);
    if (run?.generationNumber !== generationNumber || run.runResult)
      return null;
    const { pendingTurn } = run;
    if (!pendingTurn || !("scheduledId" in pendingTurn)) return null;
    if (pendingTurn.scheduledId !== scheduledId) return null;
    const state = await lookAtScheduled(ctx, scheduledId);
    switch (state.kind) {
      case "late":
        // Not noted in the run's row, where it would conflict with what it waits for.
        await watch(ctx, { ...pending, scheduledId }, lateMs);
        if (lateMs >= VERY_LATE_MS) {
          const { log } = await readConfig(ctx);
          log.warn(
            `${result ? "The end" : "A turn"} of workflow ${workflowId} ("${run.name}") has been due for ` +
              `${Math.round(lateMs / 60_000)} minutes. The deployment is busy, or the transaction dies of an ` +
              `internal error.`,
          );
          await ctx.scheduler.runAfter(0, internal.turns.takeNow, pending);
        }
        return null;
      case "canceled":
      case "done":
      case "unknown":
        await setPendingTurn(ctx, run, await schedulePending(ctx, pending));
        return null;
      case "dead":
        if (result) await endWithoutCallback(ctx, run, result, state.error);
        else
          await scheduleRunEnd(ctx, run, {
            kind: "failed",
            error: `A turn of workflow ${run._id} died: ${state.error}`,
          });
        return null;
    }
  },
});
