import type { PropertyValidators } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import type { WorkflowCtx } from "./context.js";
import type { ReturnsValidator, WorkpoolOptions } from "./types.js";

/** A workflow's definition and handler. */
export interface Workflow {
  component: ComponentApi;
  args?: PropertyValidators;
  returns?: ReturnsValidator;
  workpoolOptions?: WorkpoolOptions;
  handler: (step: WorkflowCtx, args: never) => Promise<unknown>;
}
