import { v } from "convex/values";
import {
  ARGUMENTS_REFUSED,
  describeFailure,
  errorMessage,
} from "../../shared/failures.js";
import { MAX_JOURNAL_BYTES } from "../../shared/limits.js";
import type { Origin } from "../../shared/origin.js";
import type { RunResult } from "../../shared/outcome.js";
import { shortenError, storageProblem } from "../../shared/storable.js";
import { explainUnavailable } from "../../shared/unavailable.js";
import type { Begun, Run } from "./journalEntry.js";
import { explainMissingGlobal } from "../environment/environment.js";
import { parse } from "../parse.js";
import type { RunEnd } from "../replay/turn.js";
import type { AppMutationCtx } from "../types.js";
import { toJson } from "../unsupported.js";
import type { Workflow } from "../context.js";

// Creates the results of runs that end in a turn.

export function journalTooLarge(
  runId: string,
  at: Begun["tooLarge"] & object,
): RunResult {
  return {
    kind: "failed",
    error:
      `The journal of workflow ${runId} is too large: ${at.size} bytes at step ${at.stepNumber} ` +
      `"${at.name}", the maximum is ${MAX_JOURNAL_BYTES} bytes. Have steps take and return ` +
      `less (ids instead of documents), or move parts of the work into nested workflows.`,
  };
}

/** Returns why a run can't begin with its arguments, or undefined if it can. */
export function argsProblem(ctx: AppMutationCtx, workflow: Workflow, run: Run) {
  if (!workflow.args) return undefined;
  try {
    parse(v.object(workflow.args), run.args, { strict: true, db: ctx.db });
    return undefined;
  } catch (error) {
    return `Invalid arguments for workflow "${run.name}": ${(error as Error).message}`;
  }
}

/** Returns the result of a run that its handler ends. `step` is the one in `Origin`. */
export function resultOf(
  ctx: AppMutationCtx,
  workflow: Workflow,
  run: Run,
  end: RunEnd,
  step: Origin["step"],
): RunResult {
  switch (end.kind) {
    case "returned":
      return returned(ctx, workflow, run, end.value);
    case "threw":
      return { kind: "failed", error: errorText(end.error, step) };
    case "stuck":
      return {
        kind: "failed",
        error:
          `The handler of workflow ${run._id} waits for something that is not a step, while no step is in flight, so it can ` +
          `never continue. Await only steps, and promises made of them. Do other asynchronous work in a step.`,
      };
    case "heldBack":
      return {
        kind: "failed",
        error:
          `The handler of workflow ${run._id} leaves a rejected promise without a handler when it gets the result of ` +
          `step ${end.stepNumber} "${end.entry.name}", and nothing else is in flight: ${end.entry.heldBack!.error.trim()}\n` +
          `Await that promise, or catch its rejection, before the handler awaits anything else.`,
      };
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

/** Returns the text of a handler's error. Adds the step's name to Convex's error about a step's arguments. */
function errorText(error: unknown, step: Origin["step"]): string {
  const text = shortenError(describeFailure(error).error);
  if (step?.failed)
    return ARGUMENTS_REFUSED.test(text)
      ? `Step ${step.stepNumber} "${step.name}": ${text}`
      : text;
  const explanation = explainMissingGlobal(error) ?? explainUnavailable(text);
  return explanation ? `${text}\n${explanation}` : text;
}
