import { v, type ObjectType } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import { vTrials } from "../../component/schema.js";
import { readConfig, type Config } from "../platform/config.js";
import { vWorkpoolOptions } from "../platform/options.js";
import {
  bumpRevision,
  detachDriver,
  stepOfDriver,
} from "../run/driverState.js";
import { parseRunId, updateRun, type Run, type StepRow } from "../run/runs.js";
import { setProgress } from "../run/progress.js";
import { wake } from "../run/waking.js";
import { unawaitedStep } from "../run/warnings.js";
import { complete, recordLateResult } from "../step/completing.js";
import { startSteps } from "./startSteps.js";
import {
  patchSteps,
  vCompletedStep,
  vNewStep,
  vDelivered,
  vWakeCondition,
} from "./turnRecord.js";

/** Everything that a turn records, apart from the end of its run. */
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
  /** The step that a driver executed. If `deliveries` lacks its delivery, a later commit of this turn may have it. */
  completed: v.optional(vCompletedStep),
  /** The driver that takes this turn, and whether it hands over to another. */
  caller: v.optional(
    v.object({
      driver: v.number(),
      shouldHandOver: v.boolean(),
      /** False if an earlier call recorded the driver's step, because this call may then be a late duplicate. */
      willReceiveReply: v.boolean(),
    }),
  ),
  /** Function steps and children in flight in addition to `steps`. If absent, no driver executes `steps`. */
  inFlight: v.optional(v.number()),
  /** The progress that the handler set in this turn. */
  progress: v.optional(v.any()),
  /** Nothing but `steps` is in flight, not even a sleep or an event wait, so a driven step may hold the progress. */
  isAlone: v.optional(v.boolean()),
  /** The turn records more in this transaction. */
  recordsMore: v.optional(v.boolean()),
};

type Turn = ObjectType<typeof turnFields>;

/** The result of recording a turn. */
export interface Committed {
  run: Run;
  config: Config;
  /** The rows of its steps, in order. Some may already have results. */
  rows: StepRow[];
}

/**
 * Records a turn and starts the steps that it asked for. Returns null if the run was canceled, restarted or cleaned up
 * since the turn began. With `ends`, the run ends after this.
 */
export async function commitTurn(
  ctx: MutationCtx,
  turn: Turn,
  { ends = false } = {},
): Promise<Committed | null> {
  const run = await ctx.db.get("workflows", parseRunId(ctx, turn.workflowId));
  if (!run) return null;
  const { caller, completed, inFlight = 1, workpoolOptions } = turn;
  const isCurrent = run.generationNumber === turn.generationNumber;
  const config = await readConfig(ctx, workpoolOptions);
  const options = {
    config,
    workpoolOptions,
    recordOnly: !isCurrent,
    turn: { inFlight, execution: workpoolOptions?.execution, caller },
  };
  if (!isCurrent) {
    // An inline step of the turn canceled or restarted the run. Only the executed steps are recorded.
    if (completed) await recordLateResult(ctx, completed.stepId, completed);
    const rows = await startSteps(ctx, run, turn.steps, options);
    // A restart continues from this turn's state, including the order of its deliveries.
    if (rows.length > 0) await patchSteps(ctx, turn.deliveries);
    return null;
  }
  let { deliveries, progress } = turn;
  if (completed) {
    const { stepId } = completed;
    const row = (await ctx.db.get("steps", stepId))!;
    // The completed step may have held it, and no longer does.
    progress ??= row.progress as unknown;
    const own = deliveries?.find((delivered) => delivered.stepId === stepId);
    await complete(ctx, { row, run }, completed, config.log, own?.delivery);
    deliveries = deliveries?.filter((delivered) => delivered !== own);
  }
  const missed = await patchSteps(ctx, deliveries, turn.waits);
  if (!caller?.willReceiveReply) await bumpRevision(ctx, run);
  if (run.trials || turn.trials)
    await updateRun(ctx, run, { trials: turn.trials });
  const rows = await startSteps(ctx, run, turn.steps, {
    ...options,
    progress: turn.isAlone && !ends ? progress : undefined,
  });
  if (ends) warnOfUndelivered(run, rows, config);
  const isHeld = rows.some((row) => row.progress !== undefined);
  if (progress !== undefined && !isHeld)
    await setProgress(ctx, run, progress, { ends });
  if (!ends && (turn.hasMore || missed)) await wake(ctx, run);
  const continues =
    turn.recordsMore || (!turn.hasMore && rows.some(isUndelivered));
  if (caller && !ends && !continues) await detachIdle(ctx, run, rows);
  return { run, config, rows };
}

/** Whether a step got its result at once, and the turn will deliver it: it was refused, or its event was there. */
const isUndelivered = ({ step, delivery }: StepRow) =>
  !step.inProgress && step.kind !== "patch" && !delivery;

/** Logs failed steps, refused or inline, whose errors the handler didn't receive because it had ended. */
function warnOfUndelivered(run: Run, rows: StepRow[], { log }: Config) {
  for (const { stepNumber, step, delivery } of rows)
    if (step.runResult?.kind === "failed" && !delivery)
      log.warn(unawaitedStep(run, stepNumber, step.name, step.runResult));
}

/** Detaches the run's driver if the turn left no step for it. */
async function detachIdle(ctx: MutationCtx, run: Run, rows: StepRow[]) {
  const isDriven = rows.some(
    ({ drivenBy, step }) => drivenBy === run.drivers && step.inProgress,
  );
  if (run.driver && !isDriven && !(await stepOfDriver(ctx, run)))
    await detachDriver(ctx, run);
}
