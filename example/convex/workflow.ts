// The component with the options that all workflows of this app share. Bound once, so that no call
// has to name it.
import { WorkflowManager } from "@convex-dev/workflow";
import { components } from "./_generated/api.js";

export const workflow = new WorkflowManager(components.workflow);
