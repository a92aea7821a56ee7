import { createFunctionHandle, type FunctionArgs } from "convex/server";
import { describeFailure } from "../../shared/failures.js";
import { LONGEST_DELAY_MS, maxArgsBytes } from "../../shared/limits.js";
import {
  shortenError,
  sizeOf,
  argumentsProblem,
} from "../../shared/storable.js";
import { mayBeLimit } from "../../shared/transactionBudget.js";
import type { AnyRef, StepRequest } from "../replay/journal.js";
import type { NewStep } from "../replay/turn.js";
import { nameOf } from "./stepContext.js";
import type { WorkflowComponent } from "../types.js";

export type NewStepArgs = FunctionArgs<
  WorkflowComponent["journal"]["startSteps"]
>["steps"][number];

/** Returns why a step fails without running. It is recorded without its arguments, because no row can hold them. */
export const requestProblem = (request: StepRequest): string | undefined =>
  argumentsProblem(request, maxArgsBytes(request.functionType)) ??
  delayProblem(request);

function delayProblem({ kind, name, runAt, runAfter = 0 }: StepRequest) {
  const delay = runAt === undefined ? runAfter : runAt - Date.now();
  if (kind === "sleep" || delay <= LONGEST_DELAY_MS) return undefined;
  return `Step "${name}" can't start in ${delay} ms: the longest delay is ${LONGEST_DELAY_MS} ms, four years. Sleep first.`;
}

/** Converts a step to the arguments of `journal:startSteps`. */
export async function newStepArgs(step: NewStep): Promise<NewStepArgs> {
  const { request, stepNumber, stepId, condition, startedAt } = step;
  const { kind, name, target, functionType, runAt, runAfter } = request;
  const problem = requestProblem(request);
  const { handle, missing } = await handleOf(target);
  const completed = step.completed ?? failedBy(problem ?? missing);
  const { result, failure } = completed?.outcome ?? {};
  const args = problem === undefined ? request.args : {};
  const isPatch = kind === "patch";
  const fields = {
    kind,
    name,
    inProgress: !result && !isPatch,
    args,
    argsSize: sizeOf(args),
    startedAt,
    completedAt: isPatch ? startedAt : completed?.completedAt,
    runResult: isPatch ? { kind: "success", returnValue: null } : result,
    functionType,
    handle,
  };
  return {
    stepNumber,
    stepId,
    step: fields as NewStepArgs["step"],
    wakes: condition.wakes,
    group: condition.group,
    delivery: completed?.delivery,
    failure,
    startsRun: request.startsRun,
    retry: request.retry,
    timeoutMs: request.timeoutMs,
    schedulerOptions:
      runAt === undefined && runAfter === undefined
        ? undefined
        : { runAt, runAfter },
    workflowName: kind === "workflow" ? nameOf(target!) : undefined,
    argsOmitted: problem === undefined ? undefined : true,
  };
}

/** Returns the outcome of a step that fails without running, if there is an error. */
function failedBy(error: string | undefined): NewStep["completed"] {
  if (error === undefined) return undefined;
  return {
    outcome: { result: { kind: "failed", error } },
    completedAt: Date.now(),
  };
}

/** A function that the app no longer has can't be called and has no handle. */
async function handleOf(
  target: AnyRef | undefined,
): Promise<{ handle?: string; missing?: string }> {
  if (!target) return {};
  try {
    return { handle: await createFunctionHandle(target) };
  } catch (thrown) {
    const { error } = describeFailure(thrown);
    if (mayBeLimit(error)) throw thrown;
    return { handle: "", missing: shortenError(error) };
  }
}
