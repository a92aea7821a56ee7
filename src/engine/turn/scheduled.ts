import { v, type ObjectType } from "convex/values";
import { roomBeside, type Reserve } from "../../shared/transactionRoom.js";
import { internal } from "../../component/_generated/api.js";
import type {
  ActionCtx,
  MutationCtx,
} from "../../component/_generated/server.js";
import { callWorkflow } from "../step/calling.js";
import { clearPendingTurn, scheduleRunEnd, wake } from "../run/waking.js";
import type { Run } from "../run/runs.js";
import { vDue } from "../platform/scheduler.js";
import { afterDeath, messageOf } from "./trials.js";

const vTurn = { workflowId: v.id("workflows"), generationNumber: v.number() };

/** In the place of the turn that this job was to take. */
async function scheduleAnother(ctx: MutationCtx, run: Run) {
  await clearPendingTurn(ctx, run, { isDriven: false });
  await wake(ctx, run);
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

export const takeArgs = vTurn;

/** Takes a turn. If it dies, its transaction leaves nothing behind, and another is scheduled or the run fails. */
export async function take(
  ctx: MutationCtx,
  turn: ObjectType<typeof takeArgs>,
) {
  const run = await ctx.db.get("workflows", turn.workflowId);
  if (run?.generationNumber !== turn.generationNumber || run.runResult)
    return null;
  // Taken already, by a driver or an action.
  if (!run.pendingTurn) return null;
  const { transactionLimits } = await roomBeside(ctx, RESERVED);
  try {
    await callWorkflow(ctx, run, { transactionLimits });
  } catch (thrown) {
    const error = await afterDeath(ctx, run, messageOf(thrown));
    if (error === undefined) await scheduleAnother(ctx, run);
    else await scheduleRunEnd(ctx, run, { kind: "failed", error });
  }
  return null;
}

export const takeNowArgs = { due: vDue };

/** Does what is due from an action: see `turns:look`. */
export async function takeNow(
  ctx: ActionCtx,
  { due }: ObjectType<typeof takeNowArgs>,
) {
  if ("taskId" in due) {
    await ctx.runMutation(internal.turns.perform, due);
    return null;
  }
  const { result, ...turn } = due;
  if (result)
    await ctx.runMutation(internal.ending.finish, { ...turn, result });
  else await ctx.runMutation(internal.turns.take, turn);
  return null;
}
