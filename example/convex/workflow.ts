// Binds the component and the options that all workflows of this app share.
import { WorkflowManager } from "@convex-dev/workflow";
import { components } from "./_generated/api.js";

const MONTH_MS = 30 * 24 * 60 * 60 * 1000;

export const workflow = new WorkflowManager(components.workflow, {
  // Runs clean themselves up. One that failed stays until somebody has looked at it.
  retention: { completed: MONTH_MS, canceled: MONTH_MS },
});
