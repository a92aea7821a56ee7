import { vWorkId } from "@convex-dev/workpool";
import { v } from "convex/values";
import { vRunResult } from "../shared/outcome.js";
import { internalMutation } from "./_generated/server.js";
import {
  completeAction,
  completeStep,
  failTurn,
} from "../engine/step/poolReports.js";

const report = {
  workId: vWorkId,
  result: vRunResult(),
  // `v.any()`, because jobs and their contexts outlive the release that enqueued them.
  context: v.any(),
};

/** Completes a step with its job's result, for jobs of 0.4 and for crashed transactions. */
export const onComplete = internalMutation({
  args: report,
  returns: v.null(),
  handler: completeStep,
});

export const actionOnComplete = internalMutation({
  args: report,
  returns: v.null(),
  handler: completeAction,
});

/** Completes a parent's step with the result of a child that 0.4 began. */
export const nestedWorkflowOnComplete = internalMutation({
  args: {
    workflowId: v.string(),
    result: vRunResult(),
    context: report.context,
  },
  returns: v.null(),
  handler: completeStep,
});

/** The workpool calls this if a turn threw, ran out of time, or had its job canceled. */
export const handlerOnComplete = internalMutation({
  args: report,
  returns: v.null(),
  handler: failTurn,
});
