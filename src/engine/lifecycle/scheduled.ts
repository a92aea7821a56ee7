import type { Infer } from "convex/values";
import {
  limitsAfterReserving,
  type Reserve,
} from "../../shared/transactionBudget.js";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type {
  ActionCtx,
  MutationCtx,
} from "../../component/_generated/server.js";
import { messageOf } from "../platform/platformErrors.js";
import { callWorkflow } from "../run/callWorkflow.js";
import { clearPendingTurn, scheduleRunEnd, wake } from "../run/waking.js";
import { runInProgress, type Run } from "../run/runs.js";
import { readConfig } from "../platform/config.js";
import { delayUntil, type Pending, type vDue } from "../platform/scheduler.js";
import { afterCrash } from "../turn/trials.js";
import { claimTask, type TaskArgs, type TaskKind } from "../platform/tasks.js";
import { cancelRuns, timeOut } from "./cancel.js";
import { cleanUp, deleteBatch, expire } from "./cleanup.js";
import { callBack, endRun } from "./end.js";
import { continueRestart } from "./restart.js";

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

/**
 * Takes a turn, or ends the run with `result`. If the turn crashes, its transaction is rolled back, and another turn is
 * scheduled or the run fails.
 */
export async function take(ctx: MutationCtx, { result, ...turn }: Pending) {
  const run = await runInProgress(ctx, turn);
  if (!run) return;
  if (result) return await endRun(ctx, run, result, await readConfig(ctx));
  // A driver or an action has already taken the turn.
  if (!run.pendingTurn) return;
  const { dueAt } = "scheduledId" in run.pendingTurn ? run.pendingTurn : {};
  if (delayUntil(dueAt) > 0) return await scheduleAnother(ctx, run, dueAt);
  const { transactionLimits } = await limitsAfterReserving(ctx, RESERVED);
  try {
    await callWorkflow(ctx, run, { transactionLimits });
  } catch (thrown) {
    const error = await afterCrash(ctx, run, messageOf(thrown));
    if (error === undefined) await scheduleAnother(ctx, run);
    else await scheduleRunEnd(ctx, run, { kind: "failed", error });
  }
}

const TASKS: {
  [Kind in TaskKind]: (
    ctx: MutationCtx,
    args: TaskArgs[Kind],
  ) => Promise<unknown>;
} = {
  cancel: (ctx, { runs }) => cancelRuns(ctx, runs),
  restart: continueRestart,
  cleanUp: deleteBatch,
  cleanUpNested: (ctx, { workflowId }) => cleanUp(ctx, workflowId, true),
  callOnComplete: callBack,
  timeOut,
  expire,
};

/** Performs a task of `scheduleTask`. */
export async function perform(
  ctx: MutationCtx,
  { taskId }: { taskId: Id<"tasks"> },
) {
  const task = await claimTask(ctx, taskId);
  if (task) await TASKS[task.kind](ctx, task.args as never);
}

/** Performs due work from an action, for `turns:look`. */
export async function takeNow(
  ctx: ActionCtx,
  { due }: { due: Infer<typeof vDue> },
) {
  if ("taskId" in due) await ctx.runMutation(internal.turns.perform, due);
  else await ctx.runMutation(internal.turns.take, due);
}
