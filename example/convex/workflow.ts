// Binds the component and the options that all workflows of this app share.
import { WorkflowManager } from "@convex-dev/workflow";
import { components } from "./_generated/api.js";

export const workflow = new WorkflowManager(components.workflow);
