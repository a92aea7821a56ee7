import { MAX_ROW_BYTES } from "../../shared/limits.js";
import { isStoredAs, sizeOf } from "../../shared/storable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { stepOfDriver } from "./driverState.js";
import { updateRun, type Run, type StepRow } from "./runs.js";

// A run's progress is in its row. While a driver executes a step and nothing else is in flight, that step's row may hold
// a newer one, which saves a write of the run for each step.

/** Returns the last progress that the handler set. `first` is the run's first step in flight. */
export const progressOf = (run: Run, [first]: StepRow[]): unknown =>
  (run.runResult ? undefined : (first?.progress as unknown)) ?? run.progress;

/** Whether the row of a driver's step may hold the progress in addition to its arguments and failed attempts. */
export const mayHoldProgress = ({ args }: StepRow["step"]) =>
  sizeOf(args) < MAX_ROW_BYTES / 2;

/** Omits the progress if arguments, context and result leave no room for it in the run's row. */
export function fittingProgress(run: Run): unknown {
  const { args, onComplete, runResult, progress } = run;
  const size =
    sizeOf(args) +
    sizeOf(onComplete?.context) +
    sizeOf(runResult) +
    sizeOf(progress);
  return size <= MAX_ROW_BYTES ? progress : undefined;
}

/** Sets the run's progress. The end of a run writes its row anyway. */
export async function setProgress(
  ctx: MutationCtx,
  run: Run,
  value: unknown,
  { ends }: { ends: boolean },
) {
  const driven = await stepOfDriver(ctx, run);
  if (driven?.progress !== undefined)
    await ctx.db.patch("steps", driven._id, { progress: undefined });
  const progress = fittingProgress({ ...run, progress: value });
  if (ends) run.progress = progress;
  else if (!isStoredAs(run.progress, progress))
    await updateRun(ctx, run, { progress });
}

/** Moves the progress that a step holds to the run, because its driver no longer executes it. */
export async function returnProgress(ctx: MutationCtx, run: Run, row: StepRow) {
  const progress: unknown = row.progress;
  if (progress === undefined) return;
  row.progress = undefined;
  if (!run.runResult)
    await updateRun(ctx, run, {
      progress: fittingProgress({ ...run, progress }),
    });
}
