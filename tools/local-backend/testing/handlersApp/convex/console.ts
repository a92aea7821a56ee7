import { WorkflowManager } from "@convex-dev/workflow";
import { components } from "../../flows/references.js";

/** Signed-in users may view everything, but nobody may clean up. */
export const {
  listRuns,
  getRun,
  listSteps,
  stats,
  cancel,
  restart,
  cleanup,
  sendEvent,
} = new WorkflowManager(components.workflow).console({
  authorize: async (ctx, { operation }) =>
    operation !== "cleanup" && (await ctx.auth.getUserIdentity()) !== null,
});
