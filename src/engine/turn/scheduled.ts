import { v, type ObjectType } from "convex/values";
import {
  limitsAfterReserving,
  type Reserve,
} from "../../shared/transactionBudget.js";
import { internal } from "../../component/_generated/api.js";
import type {
  ActionCtx,
  MutationCtx,
} from "../../component/_generated/server.js";
import { messageOf } from "../platform/platformErrors.js";
import { callWorkflow } from "../run/callWorkflow.js";
import { clearPendingTurn, scheduleRunEnd, wake } from "../run/waking.js";
import type { Run } from "../run/runs.js";
import { delayUntil, vDue } from "../platform/scheduler.js";
import { afterDeath } from "./trials.js";

const vTurn = { workflowId: v.id("workflows"), generationNumber: v.number() };

/** Replaces the turn of this job. */
async function scheduleAnother(ctx: MutationCtx, run: Run, dueAt?: number) {
  await clearPendingTurn(ctx, run, { isDriven: false });
  await wake(ctx, run, dueAt);
}

/** The budget to end a run that couldn't be replayed. */
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

/** Takes a turn. If it crashes, its transaction is rolled back, and another turn is scheduled or the run fails. */
export async function take(
  ctx: MutationCtx,
  turn: ObjectType<typeof takeArgs>,
) {
  const run = await ctx.db.get("workflows", turn.workflowId);
  if (run?.generationNumber !== turn.generationNumber || run.runResult)
    return null;
  // A driver or an action has already taken it.
  if (!run.pendingTurn) return null;
  const { dueAt } = "scheduledId" in run.pendingTurn ? run.pendingTurn : {};
  if (delayUntil(dueAt) > 0) {
    await scheduleAnother(ctx, run, dueAt);
    return null;
  }
  const { transactionLimits } = await limitsAfterReserving(ctx, RESERVED);
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

/** Performs due work from an action: see `turns:look`. */
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
