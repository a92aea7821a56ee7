// Functions to manage the runs of any workflow. The other files export them as their own:
//
//   export const { status, steps, list, cancel, restart, cleanup } = manage("race:race");
//
//   npx convex run race:list
//   npx convex run race:steps '{ "workflowId": "<an id>" }'
//
// They are internal, so call them from the command line or the dashboard. In a public function, first
// check who calls.
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

/** @param name The workflow's name, `folder/file:function`. */
export function manage(name: string) {
  return {
    /** The status of a run, with its steps in flight. */
    status: internalQuery({
      args: oneRun,
      handler: async (ctx, { workflowId }): Promise<WorkflowStatus> =>
        await workflow.status(ctx, workflowId),
    }),

    /** The steps of a run. */
    steps: internalQuery({
      args: { ...oneRun, ...page },
      handler: async (
        ctx,
        { workflowId, ...options },
      ): Promise<PaginationResult<WorkflowStep>> =>
        await workflow.listSteps(ctx, workflowId, options),
    }),

    /** The runs of this workflow, newest first. */
    list: internalQuery({
      args: page,
      handler: async (
        ctx,
        options,
      ): Promise<PaginationResult<PublicWorkflow>> =>
        await workflow.listByName(ctx, name, { order: "desc", ...options }),
    }),

    /** Stops a run in progress and its children. */
    cancel: internalMutation({
      args: oneRun,
      returns: v.null(),
      handler: async (ctx, { workflowId }) => {
        await workflow.cancel(ctx, workflowId);
        return null;
      },
    }),

    /** Runs the step with the number or name `from`, and all later ones, again. */
    restart: internalMutation({
      args: { ...oneRun, from: v.optional(v.union(v.number(), v.string())) },
      returns: v.null(),
      handler: async (ctx, { workflowId, from }) => {
        await workflow.restart(ctx, workflowId, { from });
        return null;
      },
    }),

    /** Deletes a finished run. Returns false while it is in progress. */
    cleanup: internalMutation({
      args: oneRun,
      returns: v.boolean(),
      handler: async (ctx, { workflowId }) =>
        await workflow.cleanup(ctx, workflowId),
    }),
  };
}
