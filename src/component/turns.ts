import { v } from "convex/values";
import { roomBeside, type Reserve } from "../shared/transactionRoom.js";
import { internal } from "./_generated/api.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { callWorkflow } from "./calling.js";
import { endRunAlone } from "./ending.js";
import type { Run } from "./runs.js";
import { afterDeath, messageOf } from "./trials.js";
import { cancelScheduled, scheduledEnd } from "./scheduling.js";

/** When a turn that was due is looked after. */
const CHECK_AFTER_MS = 60_000;

const vTurn = { workflowId: v.id("workflows"), generationNumber: v.number() };

/** A turn, as soon as may be, and a check on it. */
export async function scheduleTurn(ctx: MutationCtx, run: Run) {
  const turn = { workflowId: run._id, generationNumber: run.generationNumber };
  const { scheduler } = ctx;
  const scheduledId = await scheduler.runAfter(0, internal.turns.take, turn);
  const checkId = await scheduler.runAfter(
    CHECK_AFTER_MS,
    internal.turns.check,
    { ...turn, scheduledId },
  );
  return { scheduledId: scheduledId as string, checkId: checkId as string };
}

/**
 * The turn begins: what was due is done, unless this transaction dies, with this in it. If it is a
 * driver's turn it stands for the scheduled one; otherwise it is the scheduled one, which must not cancel
 * itself.
 */
export async function clearPendingTurn(
  ctx: MutationCtx,
  run: Run,
  { isDriven }: { isDriven: boolean },
) {
  const { pendingTurn } = run;
  if (!pendingTurn) return;
  if ("checkId" in pendingTurn) {
    await cancelScheduled(ctx, pendingTurn.checkId);
    if (isDriven) await cancelScheduled(ctx, pendingTurn.scheduledId);
  }
  run.pendingTurn = undefined;
  await ctx.db.patch("workflows", run._id, { pendingTurn: undefined });
}

/** In the place of the turn that this job was to take. */
async function scheduleAnother(ctx: MutationCtx, run: Run) {
  await clearPendingTurn(ctx, run, { isDriven: false });
  run.pendingTurn = await scheduleTurn(ctx, run);
  await ctx.db.patch("workflows", run._id, { pendingTurn: run.pendingTurn });
}

/** What ending a run needs that could not be replayed. */
const RESERVED: Reserve = {
  documentsRead: 32,
  documentsWritten: 16,
  databaseQueries: 32,
  functionsScheduled: 4,
  scheduledFunctionArgsBytes: 64 * 1024,
  bytesRead: 2 * (1 << 20),
  bytesWritten: 64 * 1024,
};

/** Takes a turn. Of one that dies nothing remains: another is due, or the run fails. */
export const take = internalMutation({
  args: vTurn,
  returns: v.null(),
  handler: async (ctx, turn) => {
    const run = await ctx.db.get("workflows", turn.workflowId);
    if (run?.generationNumber !== turn.generationNumber || run.runResult)
      return null;
    const { transactionLimits } = await roomBeside(ctx, RESERVED);
    try {
      await callWorkflow(ctx, run, { transactionLimits });
    } catch (thrown) {
      const error = await afterDeath(ctx, run, messageOf(thrown));
      if (error === undefined) await scheduleAnother(ctx, run);
      else await endRunAlone(ctx, run, { kind: "failed", error });
    }
    return null;
  },
});

/** Ends the run as failed if its turn died. */
export const check = internalMutation({
  args: { ...vTurn, scheduledId: v.string() },
  returns: v.null(),
  handler: async (ctx, { scheduledId, ...turn }) => {
    const run = await ctx.db.get("workflows", turn.workflowId);
    if (run?.generationNumber !== turn.generationNumber || run.runResult)
      return null;
    const { pendingTurn } = run;
    if (!pendingTurn || !("checkId" in pendingTurn)) return null;
    if (pendingTurn.scheduledId !== scheduledId) return null;
    const end = await scheduledEnd(ctx, scheduledId);
    if (end === undefined) {
      const checkId = await ctx.scheduler.runAfter(
        CHECK_AFTER_MS,
        internal.turns.check,
        { ...turn, scheduledId },
      );
      await ctx.db.patch("workflows", run._id, {
        pendingTurn: { scheduledId, checkId },
      });
      return null;
    }
    await endRunAlone(ctx, run, {
      kind: "failed",
      error: `A turn of workflow ${run._id} died: ${end?.error ?? "its scheduled function is gone"}`,
    });
    return null;
  },
});
