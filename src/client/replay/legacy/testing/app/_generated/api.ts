import {
  anyApi,
  componentsGeneric,
  type FunctionReference,
  type FunctionType,
} from "convex/server";
import type {
  WorkflowComponent,
  WorkflowMutationResult,
} from "../../../../../types.js";

type Step<Type extends FunctionType> = FunctionReference<
  Type,
  "internal",
  Record<string, unknown>,
  any
>;

type Workflow<Result> = FunctionReference<
  "mutation",
  "internal",
  { args?: Record<string, number> },
  WorkflowMutationResult<Result>
>;

export const { steps: functions, workflows } = anyApi as unknown as {
  steps: {
    mutate: Step<"mutation">;
    read: Step<"query">;
    act: Step<"action">;
    makeEvent: Step<"mutation">;
    ended: Step<"mutation">;
    handles: Step<"mutation">;
  };
  workflows: {
    child: Workflow<number>;
    grandparent: Workflow<unknown>;
    failing: Workflow<unknown>;
    /** The workflows of the cases, by export name. */
    [name: string]: Workflow<any>;
  };
};
export const components = componentsGeneric() as unknown as {
  workflow: WorkflowComponent;
};
