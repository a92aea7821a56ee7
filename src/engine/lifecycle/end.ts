import type { FunctionHandle } from "convex/server";
import type { Origin } from "../../shared/origin.js";
import {
  fittingOutcome,
  toOutcome,
  type Failure,
  type Outcome,
  type RunResult,
} from "../../shared/outcome.js";
import { MAX_ROW_BYTES, STEPS_PER_BATCH } from "../../shared/limits.js";
import {
  preview,
  shortenError,
  sizeOf,
  storageProblem,
} from "../../shared/storable.js";
import {
  Budget,
  type Reserve,
  isHalfUnused,
  limitsAfterReserving,
} from "../../shared/transactionBudget.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { awaitedStep, recordResult } from "../step/completing.js";
import { readConfig, type Config } from "../platform/config.js";
import { fittingProgress } from "../run/progress.js";
import { detachDriver, stepOfDriver } from "../run/driverState.js";
import { scheduleTask, type Callback } from "../platform/tasks.js";
import { releaseSteps } from "./releasing.js";
import { scheduleDue } from "../run/dueTask.js";
import {
  generationOf,
  endedForcibly,
  lastStep,
  updateRun,
  type Run,
  type RunChanges,
} from "../run/runs.js";
import { warnOfEnd } from "../run/warnings.js";

/**
 * Ends a run: writes its result, drops its remaining waits, completes the parent's step and calls `onComplete`.
 * Function steps and children in flight continue, including a driver's, and are recorded.
 */
export async function endRun(
  ctx: MutationCtx,
  run: Run,
  result: RunResult,
  config: Config,
  failure?: Failure,
  origin?: Origin,
) {
  const outcome = toOutcome(result, failure);
  await writeResult(ctx, run, outcome, config, { origin });
  await callOnComplete(ctx, run, config, outcome.failure);
}

/** Writes the result of a run that ends. `callOnComplete` must follow in the same transaction. */
export async function writeResult(
  ctx: MutationCtx,
  run: Run,
  { result, failure }: Outcome,
  config: Config,
  { origin, changes }: { origin?: Origin; changes?: RunChanges } = {},
) {
  const runResult = storableResult(run, result);
  if (runResult.kind === "failed") origin ??= await originOfCrash(ctx, run);
  const driven = await stepOfDriver(ctx, run);
  if (!driven) await detachDriver(ctx, run);
  const progress = (driven?.progress as unknown) ?? run.progress;
  const ended = { ...run, ...changes, runResult, progress };
  await updateRun(ctx, run, {
    ...changes,
    runResult,
    progress: fittingProgress(ended),
    endedAt: Date.now(),
    failedAt: runResult.kind === "failed" ? failedAt(origin) : undefined,
    pendingTurn: undefined,
    restarting: undefined,
    dueTask: await scheduleDue(ctx, ended),
  });
  warnOfEnd(run, config, origin);
  // Creation times of one millisecond differ by fractions of it.
  const durationMs = Date.now() - Math.floor(run._creationTime);
  config.log.event("completed", {
    workflowId: run._id,
    workflowName: run.name,
    name: run.name,
    status: runResult.kind,
    durationMs,
    overallDurationMs: durationMs,
  });
  // A cancel releases all steps itself, and so does a deadline.
  if (!endedForcibly(run)) await dropWaits(ctx, run);
  if (run.parent) {
    const step = await awaitedStep(ctx, run.parent);
    if (step)
      await recordResult(ctx, step, { result: runResult, failure }, config);
  }
}

/** Even a row with the largest values has room for a line of this length. */
const MAX_LINE_BYTES = 512;

const failedAt = ({ step, line }: Origin = {}): Run["failedAt"] => ({
  stepNumber: step?.stepNumber,
  line: line && shortenError(line, MAX_LINE_BYTES),
});

/** Returns the last step in the journal of a run that no turn could end. */
async function originOfCrash(ctx: MutationCtx, run: Run): Promise<Origin> {
  const last = await lastStep(ctx, run._id);
  if (!last) return {};
  const { stepNumber, step } = last;
  return { step: { stepNumber, name: step.name, failed: false } };
}

export async function callOnComplete(
  ctx: MutationCtx,
  run: Run,
  config: Config,
  failure?: Failure,
) {
  const callback = callbackOf(run, failure);
  if (!callback) return;
  const { fits } = await limitsAfterReserving(ctx, RESERVED_FOR_FAILURE);
  if (fits) await callBack(ctx, callback, config);
  else await scheduleTask(ctx, "callOnComplete", callback);
}

/** Returns the call of `onComplete` that an ended run needs, in a form that fits into a row. */
function callbackOf(run: Run, failure?: Failure): Callback | undefined {
  const { onComplete, runResult } = run;
  if (!onComplete || !runResult) return undefined;
  const callback = { ...generationOf(run), onComplete, runResult };
  // The failure's data repeats the result's text, so the two can be too large together.
  return sizeOf(callback) + sizeOf(failure) <= MAX_ROW_BYTES
    ? { ...callback, failure }
    : callback;
}

/** Calls an `onComplete` and stores its failure. */
export async function callBack(
  ctx: MutationCtx,
  callback: Callback,
  config?: Config,
) {
  try {
    await call(ctx, callback);
  } catch (thrown) {
    await keepFailedCallback(ctx, callback, String(thrown), config);
  }
}

/** Calls an `onComplete` and throws its error. */
export async function call(
  ctx: MutationCtx,
  { workflowId, onComplete, runResult, failure }: Callback,
) {
  const callWith = async (result: RunResult) => {
    const { transactionLimits } = await limitsAfterReserving(
      ctx,
      RESERVED_FOR_FAILURE,
    );
    await ctx.runMutation(
      onComplete.fnHandle as FunctionHandle<"mutation">,
      { workflowId, result, context: onComplete.context as unknown },
      { transactionLimits },
    );
  };
  if (runResult.kind !== "failed" || failure?.name !== "ConvexError")
    return await callWith(runResult);
  try {
    await callWith({ ...runResult, errorData: failure.data });
  } catch (thrown) {
    if (!REFUSED_ARGUMENTS.test(String(thrown))) throw thrown;
    await callWith(runResult);
  }
}

/** The mutation's validator may not allow `errorData`. Then the mutation didn't run. */
const REFUSED_ARGUMENTS = /ArgumentValidationError|Validator error/;

/** The budget to store the failure of `onComplete`. */
const RESERVED_FOR_FAILURE: Reserve = {
  documentsRead: 32,
  documentsWritten: 32,
  databaseQueries: 32,
  functionsScheduled: 16,
  scheduledFunctionArgsBytes: 256 * 1024,
  bytesRead: 64 * 1024,
  bytesWritten: 64 * 1024 + MAX_ROW_BYTES,
};

/** Stores that an `onComplete` failed, for an operator to call it again. */
async function keepFailedCallback(
  ctx: MutationCtx,
  callback: Callback,
  reason: string,
  config?: Config,
) {
  // Short enough to fit into a row with the largest result.
  const error = shortenError(reason, 1000);
  const { log } = config ?? (await readConfig(ctx));
  log.error(
    `onComplete of workflow ${callback.workflowId} failed, see onCompleteFailures: ${error}`,
  );
  await ctx.db.insert("onCompleteFailures", { ...callback, error });
}

function storableResult(run: Run, result: RunResult): RunResult {
  const others = sizeOf(run.args) + sizeOf(run.onComplete?.context);
  const room = MAX_ROW_BYTES - others;
  const what = `The return value of workflow ${run._id}`;
  const problemOf = (value: unknown) => {
    const size = sizeOf(value);
    const isTooLarge =
      size > room &&
      `${what} is too large: ${size} bytes, with ${others} bytes of arguments and context; ` +
        `the maximum together is ${MAX_ROW_BYTES} bytes. Store it in a table or a file and return its id. ` +
        `It begins: ${preview(value)}`;
    return storageProblem(what, value) ?? (isTooLarge || undefined);
  };
  return fittingOutcome({ result }, room, problemOf).result;
}

/** Ends a run whose end crashed, and stores that its `onComplete` failed. */
export async function endWithoutCallback(
  ctx: MutationCtx,
  run: Run,
  result: RunResult,
  crash: string,
) {
  const config = await readConfig(ctx);
  await writeResult(ctx, run, toOutcome(result), config);
  const callback = callbackOf(run);
  if (callback) await keepCrashedCallback(ctx, callback, crash);
}

/** Stores that the transaction that called an `onComplete` crashed. */
export const keepCrashedCallback = (
  ctx: MutationCtx,
  callback: Callback,
  crash: string,
) =>
  keepFailedCallback(
    ctx,
    callback,
    `The transaction that called it crashed: ${crash}`,
  );

/** Ends the sleeps and event waits of a finished run, because they would wake nothing. */
async function dropWaits(ctx: MutationCtx, run: Run) {
  // The turn that ends a run may have read a large journal.
  const rest = (await isHalfUnused(ctx))
    ? await releaseSteps(ctx, run, new Budget(STEPS_PER_BATCH))
    : [generationOf(run)];
  if (rest.length > 0) await scheduleTask(ctx, "cancel", { runs: rest });
}
