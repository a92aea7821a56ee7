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
  result: vRunResult,
  // Not said here: jobs outlive the release that enqueued them, and so does what they carry.
  context: v.any(),
};

/** Completes a step with what its job returned: jobs of 0.4, and transactions that died. */
export const onComplete = internalMutation({
  args: report,
  returns: v.null(),
  handler: async (ctx, args) => {
    await completeStep(ctx, args);
    return null;
  },
});

export const actionOnComplete = internalMutation({
  args: report,
  returns: v.null(),
  handler: async (ctx, args) => {
    await completeAction(ctx, args);
    return null;
  },
});

/** Completes a parent's step with the result of its child: children begun by 0.4. */
export const nestedWorkflowOnComplete = internalMutation({
  args: {
    workflowId: v.string(),
    result: vRunResult,
    context: report.context,
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    await completeStep(ctx, args);
    return null;
  },
});

/** Told by the pool that a turn did not finish: it threw, ran out of time, or its job was canceled. */
export const handlerOnComplete = internalMutation({
  args: report,
  returns: v.null(),
  handler: async (ctx, args) => {
    await failTurn(ctx, args);
    return null;
  },
});
