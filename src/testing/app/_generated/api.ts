import { anyApi, componentsGeneric, type ApiFromModules } from "convex/server";
import type { WorkflowComponent } from "../../../client/index.js";
import type * as steps from "../steps.js";
import type * as workflows from "../workflows.js";

type Modules = ApiFromModules<{
  steps: typeof steps;
  workflows: typeof workflows;
}>;

export const internal = anyApi as unknown as Modules;
export const components = componentsGeneric() as unknown as {
  workflow: WorkflowComponent;
};
