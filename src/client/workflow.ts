import type { PropertyValidators } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import type { WorkflowCtx } from "./context.js";
import type { Retention, ReturnsValidator, WorkpoolOptions } from "./types.js";

/** A workflow's definition and handler. */
export interface Workflow {
  component: ComponentApi;
  args?: PropertyValidators;
  returns?: ReturnsValidator;
  workpoolOptions?: WorkpoolOptions;
  timeout?: number;
  retention?: Retention;
  handler: (step: WorkflowCtx, args: never) => Promise<unknown>;
}
