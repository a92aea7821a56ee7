import { v, type ObjectType } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import { vTrials } from "../../component/schema.js";
import { readConfig } from "../platform/config.js";
import { vWorkpoolOptions } from "../platform/options.js";
import { bumpRevision } from "../run/driverState.js";
import {
  fittingProgress,
  parseRunId,
  updateRun,
  type StepRow,
} from "../run/runs.js";
import { wake } from "../run/waking.js";
import { recordLateResult, writeCompleted } from "../step/completing.js";
import { startSteps } from "./startSteps.js";
import {
  patchSteps,
  vCompletedRow,
  vNewStep,
  vDelivered,
  vWakeCondition,
} from "./turnRecord.js";

/** Everything that a turn records. */
export const turnFields = {
  workflowId: v.string(),
  generationNumber: v.number(),
  steps: v.array(vNewStep),
  workpoolOptions: v.optional(vWorkpoolOptions),
  /** When the results of recorded steps were delivered. */
  deliveries: v.optional(v.array(vDelivered)),
  /** The current wake conditions of recorded steps in flight. */
  waits: v.optional(v.array(vWakeCondition)),
  /** The turn stopped before it was done, so another is due. */
  hasMore: v.optional(v.boolean()),
  /** Results to try one at a time, since each may leave a rejected promise without a handler. */
  trials: v.optional(vTrials),
  /** The step that a driver executed, to record with its result. */
  completed: v.optional(vCompletedRow),
  /** The driver that takes this turn, and whether it hands over to another. */
  caller: v.optional(
    v.object({
      driver: v.number(),
      handsOver: v.boolean(),
      /** It will receive the reply. It won't if it has given up this call. */
      willReceiveReply: v.boolean(),
    }),
  ),
  /** Function steps and children in flight in addition to `steps`. */
  inFlight: v.optional(v.number()),
  /** The progress that the handler set since the last commit. */
  progress: v.optional(v.any()),
};

/**
 * Records a turn and starts the steps that it asked for. Returns their rows in order. Some may already have results.
 * Returns null if the run was canceled, restarted or cleaned up since the turn began.
 */
export async function commitTurn(
  ctx: MutationCtx,
  args: ObjectType<typeof turnFields>,
): Promise<StepRow[] | null> {
  const run = await ctx.db.get("workflows", parseRunId(ctx, args.workflowId));
  if (!run) return null;
  const { caller, inFlight = 1, workpoolOptions } = args;
  const current = run.generationNumber === args.generationNumber;
  const config = await readConfig(ctx, workpoolOptions);
  const { completed } = args;
  if (completed && current) await writeCompleted(ctx, run, completed, config);
  // An inline step of the turn canceled or restarted the run. Only the executed steps are recorded.
  else if (completed)
    await recordLateResult(ctx, completed.stepId, {
      result: completed.step.runResult!,
      failure: completed.failure,
    });
  const missed =
    current && (await patchSteps(ctx, args.deliveries, args.waits));
  if (current && !caller?.willReceiveReply) await bumpRevision(ctx, run);
  if (current && (run.trials || args.trials))
    await updateRun(ctx, run, { trials: args.trials });
  if (current && args.progress !== undefined)
    await updateRun(ctx, run, {
      progress: fittingProgress({ ...run, progress: args.progress }),
    });
  const rows = await startSteps(ctx, run, args.steps, {
    config,
    workpoolOptions,
    recordOnly: !current,
    turn: { inFlight, execution: workpoolOptions?.execution, caller },
  });
  if (!current) {
    // A restart continues from this turn's state, including the order of its deliveries.
    if (rows.length > 0)
      await patchSteps(ctx, [
        ...(args.deliveries ?? []),
        ...(completed?.delivery
          ? [{ stepId: completed.stepId, delivery: completed.delivery }]
          : []),
      ]);
    return null;
  }
  if (args.hasMore || missed) await wake(ctx, run);
  return rows;
}
