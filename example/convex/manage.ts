// What an app does with the runs of a workflow, whichever workflow it is. The other files export
// these functions as their own:
//
//   export const { status, steps, list, cancel, restart, cleanup } = manage("race:race");
//
//   npx convex run race:list
//   npx convex run race:steps '{ "workflowId": "<an id>" }'
//
// They are internal, to be called from the command line or the dashboard. A public function would
// first check who calls.
import {
  vWorkflowId,
  type PublicWorkflow,
  type WorkflowStatus,
  type WorkflowStep,
} from "@convex-dev/workflow";
import { paginationOptsValidator, type PaginationResult } from "convex/server";
import { v } from "convex/values";
import { internalMutation, internalQuery } from "./_generated/server.js";
import { workflow } from "./workflow.js";

const oneRun = { workflowId: vWorkflowId };

/** Default: the first 100. */
const page = { paginationOpts: v.optional(paginationOptsValidator) };

/** @param name Of the workflow, as `folder/file:function`. */
export function manage(name: string) {
  return {
    /** Where a run stands, and what it is doing. */
    status: internalQuery({
      args: oneRun,
      handler: async (ctx, { workflowId }): Promise<WorkflowStatus> =>
        await workflow.status(ctx, workflowId),
    }),

    /** What a run has done. */
    steps: internalQuery({
      args: { ...oneRun, ...page },
      handler: async (
        ctx,
        { workflowId, ...options },
      ): Promise<PaginationResult<WorkflowStep>> =>
        await workflow.listSteps(ctx, workflowId, options),
    }),

    /** The runs of this workflow, the newest first. */
    list: internalQuery({
      args: page,
      handler: async (
        ctx,
        options,
      ): Promise<PaginationResult<PublicWorkflow>> =>
        await workflow.listByName(ctx, name, { order: "desc", ...options }),
    }),

    /** Stops a run in progress, and the runs nested in it. */
    cancel: internalMutation({
      args: oneRun,
      returns: v.null(),
      handler: async (ctx, { workflowId }) => {
        await workflow.cancel(ctx, workflowId);
        return null;
      },
    }),

    /** Runs a finished run again, `from` a step's number or name: that step and those after it. */
    restart: internalMutation({
      args: { ...oneRun, from: v.optional(v.union(v.number(), v.string())) },
      returns: v.null(),
      handler: async (ctx, { workflowId, from }) => {
        await workflow.restart(ctx, workflowId, { from });
        return null;
      },
    }),

    /** Deletes all that is kept of a finished run. Returns false while it is in progress. */
    cleanup: internalMutation({
      args: oneRun,
      returns: v.boolean(),
      handler: async (ctx, { workflowId }) =>
        await workflow.cleanup(ctx, workflowId),
    }),
  };
}
