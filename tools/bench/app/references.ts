import {
  anyApi,
  componentsGeneric,
  type FunctionReference,
} from "convex/server";
import type { WorkflowComponent } from "@convex-dev/workflow";
import type { StepArgs } from "./steps.js";

type Step<
  Kind extends "query" | "mutation" | "action",
  Args = StepArgs,
> = FunctionReference<
  Kind,
  "internal",
  Args & Record<string, unknown>,
  number | string
>;

/** References to the functions in `steps.ts`. */
export const steps = anyApi["steps"] as unknown as {
  query: Step<"query">;
  mutation: Step<"mutation">;
  action: Step<"action">;
  failing: Step<"mutation">;
  flaky: Step<"action">;
};

type Workflow = FunctionReference<"mutation", "internal", any, any>;

/** References to the workflows in `workflows.ts`, by name. */
export const workflows = anyApi["workflows"] as unknown as Record<
  string,
  Workflow
>;

/** References to the functions in `runs.ts`, by name. */
export const runs = anyApi["runs"] as unknown as {
  [
    name in
      | "start"
      | "startMany"
      | "send"
      | "cancel"
      | "cleanup"
      | "cancelMany"
      | "restartMany"
      | "cleanupMany"
  ]: FunctionReference<"mutation", "public", any, any>;
} & {
  [name in "status" | "list" | "listSteps" | "counts"]: FunctionReference<
    "query",
    "public",
    any,
    any
  >;
};

export const components = componentsGeneric() as unknown as {
  workflow: WorkflowComponent & {
    utils: {
      updateConfig: FunctionReference<"mutation", "internal", any, any>;
    };
  };
};
