import { createFunctionHandle, type FunctionArgs } from "convex/server";
import { maxArgsBytes } from "../shared/limits.js";
import { sizeOf, whyArgumentsRefused } from "../shared/storable.js";
import type { NewStep } from "./replay/turn.js";
import { nameOf, type WorkflowRequest } from "./stepContext.js";
import type { WorkflowComponent } from "./types.js";

export type NewStepArgs = FunctionArgs<
  WorkflowComponent["journal"]["startSteps"]
>["steps"][number];

/** Why a step fails without being run. It is recorded without its arguments, which no row can hold. */
export const whyRefused = (request: WorkflowRequest): string | undefined =>
  whyArgumentsRefused(request, maxArgsBytes(request.functionType));

/** A step as `journal:startSteps` takes it. */
export async function newStepArgs(
  asked: NewStep<WorkflowRequest>,
): Promise<NewStepArgs> {
  const refused = whyRefused(asked.request);
  const step = refused === undefined ? asked : withoutArgs(asked, refused);
  const { request, completed } = step;
  return {
    stepNumber: step.stepNumber,
    stepId: step.stepId,
    step: await stepFields(step),
    wakes: step.interest.wakes,
    group: step.interest.group,
    delivery: completed?.delivery,
    failure: completed?.outcome.failure,
    retry: request.retry,
    timeoutMs: request.timeoutMs,
    schedulerOptions: schedule(request),
    workflowName:
      request.kind === "workflow" ? nameOf(request.target!) : undefined,
    argsOmitted: refused === undefined ? undefined : true,
  };
}

function withoutArgs(
  step: NewStep<WorkflowRequest>,
  error: string,
): NewStep<WorkflowRequest> {
  const failed = {
    outcome: { result: { kind: "failed" as const, error } },
    completedAt: Date.now(),
  };
  return {
    ...step,
    request: { ...step.request, args: {} },
    completed: step.completed ?? failed,
  };
}

function schedule({ runAt, runAfter }: WorkflowRequest) {
  if (runAt !== undefined) return { runAt };
  if (runAfter !== undefined) return { runAfter };
  return undefined;
}

async function stepFields({
  request,
  startedAt,
  completed,
}: NewStep<WorkflowRequest>): Promise<NewStepArgs["step"]> {
  const common = {
    name: request.name,
    inProgress: !completed,
    args: request.args,
    argsSize: sizeOf(request.args),
    startedAt,
    completedAt: completed?.completedAt,
    runResult: completed?.outcome.result,
  };
  switch (request.kind) {
    case "function":
      return {
        ...common,
        kind: "function",
        functionType: request.functionType!,
        handle: await createFunctionHandle(request.target!),
      };
    case "workflow":
      return {
        ...common,
        kind: "workflow",
        handle: await createFunctionHandle(request.target!),
      };
    case "event":
      return { ...common, kind: "event", args: request.args };
    case "sleep":
      return { ...common, kind: "sleep" };
  }
}
