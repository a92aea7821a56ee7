import { createFunctionHandle, type FunctionArgs } from "convex/server";
import { describeFailure } from "../shared/failures.js";
import { maxArgsBytes } from "../shared/limits.js";
import { shortenError, sizeOf, argumentsProblem } from "../shared/storable.js";
import { mayBeLimit } from "../shared/transactionBudget.js";
import type { NewStep } from "./replay/turn.js";
import { nameOf, type WorkflowRequest } from "./stepContext.js";
import type { WorkflowComponent } from "./types.js";

export type NewStepArgs = FunctionArgs<
  WorkflowComponent["journal"]["startSteps"]
>["steps"][number];

/** Why a step fails without running. It is recorded without its arguments, because no row can hold them. */
export const refusalOf = (request: WorkflowRequest): string | undefined =>
  argumentsProblem(request, maxArgsBytes(request.functionType));

/** Converts a step to the arguments of `journal:startSteps`. */
export async function newStepArgs(
  asked: NewStep<WorkflowRequest>,
): Promise<NewStepArgs> {
  const refused = refusalOf(asked.request);
  let step =
    refused === undefined ? asked : failed(withoutArgs(asked), refused);
  const { handle, missing } = await handleOf(step.request);
  if (missing !== undefined) step = failed(step, missing);
  const { request, completed } = step;
  return {
    stepNumber: step.stepNumber,
    stepId: step.stepId,
    step: stepFields(step, handle),
    wakes: step.condition.wakes,
    group: step.condition.group,
    delivery: completed?.delivery,
    failure: completed?.outcome.failure,
    startsRun: request.startsRun,
    retry: request.retry,
    timeoutMs: request.timeoutMs,
    schedulerOptions: schedule(request),
    workflowName:
      request.kind === "workflow" ? nameOf(request.target!) : undefined,
    argsOmitted: refused === undefined ? undefined : true,
  };
}

const withoutArgs = (step: NewStep<WorkflowRequest>) => ({
  ...step,
  request: { ...step.request, args: {} },
});

/** Makes a step fail without running, unless it ran already. */
function failed(
  step: NewStep<WorkflowRequest>,
  error: string,
): NewStep<WorkflowRequest> {
  const outcome = { result: { kind: "failed" as const, error } };
  const completed = { outcome, completedAt: Date.now() };
  return { ...step, completed: step.completed ?? completed };
}

/** A function that the app no longer has can't be called, so it has no handle. */
async function handleOf({
  target,
}: WorkflowRequest): Promise<{ handle: string; missing?: string }> {
  if (!target) return { handle: "" };
  try {
    return { handle: await createFunctionHandle(target) };
  } catch (thrown) {
    const { error } = describeFailure(thrown);
    if (mayBeLimit(error)) throw thrown;
    return { handle: "", missing: shortenError(error) };
  }
}

function schedule({ runAt, runAfter }: WorkflowRequest) {
  if (runAt !== undefined) return { runAt };
  if (runAfter !== undefined) return { runAfter };
  return undefined;
}

const PATCHED = { kind: "success", returnValue: null };

function stepFields(
  { request, startedAt, completed }: NewStep<WorkflowRequest>,
  handle: string,
): NewStepArgs["step"] {
  const { kind, functionType, name, args } = request;
  const { result, completedAt } =
    kind === "patch"
      ? { result: PATCHED, completedAt: startedAt }
      : { ...completed?.outcome, completedAt: completed?.completedAt };
  const fields = {
    kind,
    name,
    inProgress: !result,
    args,
    argsSize: sizeOf(args),
    startedAt,
    completedAt,
    runResult: result,
    functionType,
    handle: request.target && handle,
  };
  return fields as NewStepArgs["step"];
}
