import { v } from "convex/values";
import { describeFailure, errorMessage } from "../shared/failures.js";
import { MAX_JOURNAL_BYTES } from "../shared/limits.js";
import type { Origin } from "../shared/origin.js";
import type { Failure, RunResult } from "../shared/outcome.js";
import { shortenError, storageProblem } from "../shared/storable.js";
import { toBeginArgs, type Drive, type DriveReply } from "./driven.js";
import { startClock } from "../shared/clock.js";
import { rowsOf, type Run } from "./entries.js";
import { explainMissingGlobal } from "./environment/environment.js";
import { Execution, isLegacy, JournalTooLarge } from "./execution.js";
import { parse } from "./parse.js";
import type { TurnEnd } from "./replay/turn.js";
import type { AppMutationCtx } from "./types.js";
import { explainUnavailable } from "../shared/unavailable.js";
import { toJson } from "./unsupported.js";
import type { Workflow } from "./workflow.js";

/**
 * Executes one turn of a run. Returns the run's result if this turn ended it, or null if this component has no such
 * run.
 *
 * Throws if the handler can't be replayed over the journal, so that the turn is rolled back.
 */
export async function takeTurn(
  ctx: AppMutationCtx,
  workflow: Workflow,
  turn: { workflowId: string; generationNumber: number },
  drive?: Drive,
): Promise<{ runResult?: RunResult; reply?: DriveReply } | null> {
  const elapsed = startClock();
  const begun = await ctx.runMutation(workflow.component.journal.beginTurn, {
    ...turn,
    drive: drive && toBeginArgs(drive),
    timeoutMs: workflow.timeout,
  });
  if (begun === "unknown") return null;
  if (!begun) return {};
  const run = begun.workflow;
  const end = async (
    runResult: RunResult,
    failure?: Failure,
    origin?: Origin,
    progress?: unknown,
  ) => {
    await ctx.runMutation(workflow.component.workflow.complete, {
      ...turn,
      runResult,
      failure,
      origin,
      progress,
      ifStale: "ignore",
    });
    return { runResult };
  };
  /** The driver still executes a step that this last turn asked for, unless `onComplete` prevents it. */
  const endAfter = async (
    execution: Execution,
    runResult: RunResult,
    ended?: TurnEnd,
  ) => {
    const reply = execution.reply();
    if (reply) reply.next.unsure = true;
    const failure =
      ended?.kind === "threw"
        ? describeFailure(ended.error).failure
        : undefined;
    const origin = execution.origin(ended);
    const progress = execution.takeProgress();
    return { ...(await end(runResult, failure, origin, progress)), reply };
  };
  if (begun.tooLarge)
    return await end(journalTooLarge(run._id, begun.tooLarge));
  const rows = rowsOf(begun.journal ?? drive!.held!.rows);
  if (isLegacy(run) && begun.blocked) return {};
  const refused = rows.length === 0 && argsProblem(ctx, workflow, run);
  if (refused) return await end({ kind: "failed", error: refused });
  const execution = new Execution(ctx, workflow, begun, rows, drive, elapsed);
  try {
    const ended = await execution.run();
    const { step } = execution.origin(ended);
    const result = resultOf(ctx, workflow, run, ended, step);
    if (result) return await endAfter(execution, result, ended);
    // If the run was canceled or restarted, this driver has nothing left to do.
    const reply = ended.kind === "fenced" ? undefined : execution.reply();
    if (drive && !reply)
      await ctx.runMutation(workflow.component.driving.detach, {
        workflowId: run._id,
        driver: drive.driver,
      });
    return { reply };
  } catch (error) {
    if (!(error instanceof JournalTooLarge)) throw error;
    await execution.recordCompleted();
    return await endAfter(execution, journalTooLarge(run._id, error));
  }
}

function journalTooLarge(
  runId: string,
  at: { size: number; stepNumber: number; name?: string; stepName?: string },
): RunResult {
  return {
    kind: "failed",
    error:
      `The journal of workflow ${runId} is too large: ${at.size} bytes at step ${at.stepNumber} ` +
      `"${at.stepName ?? at.name}", the maximum is ${MAX_JOURNAL_BYTES} bytes. Have steps take and return ` +
      `less (ids instead of documents), or move parts of the work into nested workflows.`,
  };
}

function argsProblem(ctx: AppMutationCtx, workflow: Workflow, run: Run) {
  if (!workflow.args) return undefined;
  try {
    parse(v.object(workflow.args), run.args, { strict: true, db: ctx.db });
    return undefined;
  } catch (error) {
    return `Invalid arguments for workflow "${run.name}": ${(error as Error).message}`;
  }
}

/** The run's result, if this turn ends it. */
function resultOf(
  ctx: AppMutationCtx,
  workflow: Workflow,
  run: Run,
  end: TurnEnd,
  step: Origin["step"],
): RunResult | null {
  switch (end.kind) {
    case "returned":
      return returned(ctx, workflow, run, end.value);
    case "threw":
      return { kind: "failed", error: errorText(end.error, step) };
    case "stuck":
      return {
        kind: "failed",
        error:
          `The handler of workflow ${run._id} waits for something that is not a step, while no step is in flight: ` +
          `it can never go on. Await only steps, and promises made of them; do other asynchronous work in a step.`,
      };
    case "heldBack":
      return {
        kind: "failed",
        error:
          `The handler of workflow ${run._id} leaves a rejected promise without a handler when it gets the result of ` +
          `step ${end.stepNumber} "${end.entry.name}", and nothing else is in flight: ${end.entry.heldBack!.error.trim()}\n` +
          `Await that promise, or catch its rejection, before the handler awaits anything else.`,
      };
    case "again":
    case "waiting":
    case "yielded":
    case "fenced":
      return null;
  }
}

function returned(
  ctx: AppMutationCtx,
  { returns }: Workflow,
  run: Run,
  value: unknown,
): RunResult {
  const returnValue = value ?? null;
  const where = `Invalid return value: workflow "${run.name}"`;
  try {
    toJson(where, returnValue);
    const what = `The return value of workflow ${run._id}`;
    const error = storageProblem(what, returnValue);
    if (error) return { kind: "failed", error };
  } catch (error) {
    return { kind: "failed", error: errorMessage(error) };
  }
  try {
    if (returns) parse(returns, returnValue, { strict: true, db: ctx.db });
    return { kind: "success", returnValue };
  } catch (error) {
    return { kind: "failed", error: `${where}: ${errorMessage(error)}` };
  }
}

/** The text of a handler's error. Convex's error about a step's arguments doesn't name the step, so this does. */
function errorText(error: unknown, step: Origin["step"]): string {
  const text = shortenError(describeFailure(error).error);
  if (step?.failed)
    return ARGUMENTS_REFUSED.test(text)
      ? `Step ${step.stepNumber} "${step.name}": ${text}`
      : text;
  const explanation = explainMissingGlobal(error) ?? explainUnavailable(text);
  return explanation ? `${text}\n${explanation}` : text;
}

/** The errors of Convex and convex-test about a function's arguments. */
const ARGUMENTS_REFUSED = /^(ArgumentValidationError|Validator error)\b/;
