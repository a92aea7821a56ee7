import { WorkflowManager } from "@convex-dev/workflow-published";
import { defineFlows } from "../../flows/flows.js";
import { components } from "../../flows/references.js";

export const {
  start,
  status,
  afterHostCalls,
  betweenSteps,
  besideSleep,
  afterSleep,
  leavesStep,
  enqueuesJob,
  startsRun,
  child,
  lateRejection,
  timerBesideSleep,
  disposes,
} = defineFlows(new WorkflowManager(components.workflow) as never);
