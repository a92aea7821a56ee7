import type { PropertyValidators } from "convex/values";
import type { WorkflowCtx } from "./context.js";
import type {
  ReturnsValidator,
  WorkflowComponent,
  WorkpoolOptions,
} from "./types.js";

/** A workflow as its mutation knows it. */
export interface Workflow {
  component: WorkflowComponent;
  args?: PropertyValidators;
  returns?: ReturnsValidator;
  workpoolOptions?: WorkpoolOptions;
  handler: (step: WorkflowCtx, args: never) => Promise<unknown>;
}
