import { v, type ObjectType } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import { vTrials } from "../../component/schema.js";
import { readConfig } from "../platform/config.js";
import { vWorkpoolOptions } from "../platform/options.js";
import { noteChange } from "../run/driver.js";
import { parseRunId, type StepRow } from "../run/runs.js";
import { wake } from "../run/waking.js";
import { recordAfterAll, writeCompleted } from "../step/completing.js";
import { startSteps } from "./starting.js";
import {
  patchSteps,
  setTrials,
  vCompletedRow,
  vNewStep,
  vShown,
  vWait,
} from "./turnRecord.js";

/** What a turn writes down. */
export const turnFields = {
  workflowId: v.string(),
  generationNumber: v.number(),
  steps: v.array(vNewStep),
  workpoolOptions: v.optional(vWorkpoolOptions),
  /** Where results of recorded steps were shown. */
  deliveries: v.optional(v.array(vShown)),
  /** How recorded steps in flight are waited for now. */
  waits: v.optional(v.array(vWait)),
  /** The turn stopped with more to do: another is due. */
  goOn: v.optional(v.boolean()),
  /** Results to try one at a time, since each may leave a rejected promise without a handler. */
  trials: v.optional(vTrials),
  /** The step that a driver has executed, to be written down with its result. */
  completed: v.optional(vCompletedRow),
  /** The driver that takes this turn, and whether it wants to be followed by another. */
  caller: v.optional(
    v.object({
      driver: v.number(),
      handsOver: v.boolean(),
      /** It will hear what the turn changes. It won't if this is a call that it has given up. */
      learns: v.boolean(),
    }),
  ),
  /** Function and child steps in flight beside `steps`. */
  inFlight: v.optional(v.number()),
};

/**
 * Writes down what a turn did, and starts the steps it asked for. Returns their rows in order;
 * some may have results already. Returns null when the run was canceled, restarted or cleaned up
 * since the turn began.
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
  // An inline step of the turn canceled or restarted the run. What was executed is.
  else if (completed)
    await recordAfterAll(ctx, completed.stepId, {
      result: completed.step.runResult!,
      failure: completed.failure,
    });
  const missed =
    current && (await patchSteps(ctx, args.deliveries, args.waits));
  if (current && !caller?.learns) await noteChange(ctx, run);
  if (current && (run.trials || args.trials))
    await setTrials(ctx, run, args.trials);
  const rows = await startSteps(ctx, run, args.steps, {
    config,
    workpoolOptions,
    recordOnly: !current,
    turn: { inFlight, execution: workpoolOptions?.execution, caller },
  });
  if (!current) {
    // A restart goes on from what this turn did: also from the order in which it showed results.
    if (rows.length > 0)
      await patchSteps(ctx, [
        ...(args.deliveries ?? []),
        ...(completed?.delivery
          ? [{ stepId: completed.stepId, delivery: completed.delivery }]
          : []),
      ]);
    return null;
  }
  if (args.goOn || missed) await wake(ctx, run);
  return rows;
}
