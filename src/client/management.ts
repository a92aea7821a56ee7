import type { FunctionReturnType, PaginationResult } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import { recoverInBatches } from "../shared/recovery.js";
import {
  changeRun,
  nameFrom,
  pageOf,
  queryRun,
  type ListOptions,
} from "./calls.js";
import type { StepRow } from "./turn/journalEntry.js";
import type { WorkflowId } from "./ids.js";
import { checkOptions } from "./options.js";
import { nameOfWorkflow } from "./start.js";
import type { AnyRef } from "./turn/stepContext.js";
import type {
  PublicWorkflow,
  RunCounts,
  RunFilter,
  RunMutationCtx,
  RunningStep,
  RunQueryCtx,
  RunResult,
  WorkflowComponent,
  WorkflowReference,
  WorkflowStatus,
} from "./types.js";
import type { WorkflowStep } from "./validators.js";

/**
 * Returns the status of a run: in progress with its steps in flight, completed with its result,
 * failed with its error, or canceled.
 *
 * @throws If you pass anything but a run's id, or the run was cleaned up.
 */
export async function getStatus(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
): Promise<WorkflowStatus> {
  const { getStatus } = component.workflow;
  const { workflow, inProgress } = await queryRun(ctx, getStatus, {
    workflowId,
  });
  const { runResult, progress } = workflow;
  return {
    ...statusFrom(runResult, inProgress),
    ...(progress !== undefined && { progress: progress as unknown }),
  };
}

function statusFrom(
  runResult: RunResult | undefined,
  inProgress: StepRow[],
): WorkflowStatus {
  switch (runResult?.kind) {
    case undefined:
      return {
        type: "inProgress",
        running: inProgress.map(
          ({ step }) =>
            ({ ...step, kind: step.kind ?? "function" }) as RunningStep,
        ),
      };
    case "success":
      return { type: "completed", result: runResult.returnValue };
    case "failed":
      return { type: "failed", error: runResult.error };
    case "canceled":
      return { type: "canceled" };
  }
}

/**
 * Stops a run now, together with its children. Steps that haven't started never start. Running
 * actions finish, and their results are ignored. `onComplete` is called with `canceled`.
 *
 * @returns True, or false if the run is finished and `ifFinished` is `"ignore"`.
 * @throws If the run is finished, with its id and state, or if it is unknown.
 */
export async function cancel(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  workflowId: string,
  options: CancelOptions = {},
): Promise<boolean> {
  checkOptions("cancel", options);
  const args = { workflowId, ...options };
  const { cancel } = component.workflow;
  return (await changeRun(ctx, "cancel a workflow", cancel, args)) !== false;
}

export type CancelOptions = {
  /** If the run is finished, `"ignore"` returns false. Default: throw. */
  ifFinished?: "ignore";
};

export type RestartOptions = {
  /**
   * The first step to run again. It and all later steps are deleted. Pass a step's number (from 0),
   * its name or its function. If several steps have that name, you get the last one. Default: no
   * step is deleted, and your handler replays the whole journal.
   */
  from?: number | string | AnyRef;
  /**
   * Run the last failed step and all later ones again. If a recorded failure failed the run, it fails again at once
   * unless you pass this or `from`. Default: false.
   */
  fromFailure?: boolean;
  /**
   * Schedule the next turn, and restart in batches if the run is too large for one transaction.
   * Default: false, so the turn runs in this transaction, and an error in it rolls back the
   * restart.
   */
  startAsync?: boolean;
};

/**
 * Continues a finished run, or repeats a part of it. Steps that were in flight run again. The
 * functions of deleted steps run again, and their events and children are deleted.
 *
 * @throws If the run is in progress, `from` names no step, or the run is too large to restart in
 * one transaction. Nothing changes then.
 */
export async function restart(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  workflowId: string,
  options: RestartOptions = {},
): Promise<void> {
  checkOptions("restart", options);
  const args = { workflowId, ...options, from: nameFrom(options.from) };
  const { restart } = (component as ComponentApi).workflow;
  await changeRun(ctx, "restart a workflow", restart, args);
}

/**
 * Finds the run of a workflow that has a key and is in progress.
 *
 * @returns Its id, or null if there is none.
 */
export async function findByKey(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflow: WorkflowReference,
  key: string,
): Promise<WorkflowId | null> {
  const { findByKey } = (component as ComponentApi).workflow;
  const name = nameOfWorkflow(workflow);
  return (await ctx.runQuery(findByKey, { name, key })) as WorkflowId | null;
}

/**
 * Deletes a finished run with its steps, events and children. Large runs take further
 * transactions. Functions that were in flight when the run ended by itself still finish.
 *
 * @returns Whether the run was deleted. False if it is in progress or unknown.
 * @throws If you pass anything but a run's id.
 */
export async function cleanup(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  workflowId: string,
): Promise<boolean> {
  const { cleanup } = component.workflow;
  return await changeRun(ctx, "clean up a workflow", cleanup, { workflowId });
}

/**
 * Resumes runs that nothing will wake, for example because you canceled scheduled functions in the
 * dashboard. Runs that wait for something that can still happen aren't affected. If you have many
 * runs, call it from an action, so that each batch is a transaction.
 *
 * @returns How many runs it resumed.
 */
export async function recover(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
): Promise<number> {
  const { recoverBatch } = (component as ComponentApi).utils;
  return await recoverInBatches<
    FunctionReturnType<typeof recoverBatch>["after"]
  >((after) => ctx.runMutation(recoverBatch, { after }));
}

export type ListRunsOptions = RunFilter & ListOptions;

/**
 * Lists runs, including children. You can select them by status, workflow and start time. If a page
 * would read too much, you get a shorter one.
 */
export async function list(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  options: ListRunsOptions = {},
): Promise<PaginationResult<PublicWorkflow>> {
  return await pageOf(ctx, component.workflow.list, "list", options);
}

/**
 * Lists the runs of one workflow.
 *
 * @param name - `folder/file:function`, or the workflow's reference.
 */
export async function listByName(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  name: string | WorkflowReference,
  options: Omit<ListRunsOptions, "name"> = {},
): Promise<PaginationResult<PublicWorkflow>> {
  const { listByName } = component.workflow;
  return await pageOf(ctx, listByName, "listByName", options, { name });
}

/**
 * Counts runs by status, including children. Each count is exact up to 1,000, and `"1000+"`
 * beyond.
 *
 * Convex counts documents by reading them, and one transaction reads at most 16 MiB. In an action,
 * this function takes as many transactions as it needs. In a query or a mutation, it reads 10 MiB. If
 * your runs have arguments and results of more than 2.5 KiB on average, a count may stop earlier
 * there, for example at `"300+"`.
 */
export async function counts(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  options: Pick<RunFilter, "name"> = {},
): Promise<RunCounts> {
  checkOptions("counts", options);
  const { workflow } = component as ComponentApi;
  const name = nameFrom(options.name);
  let counted = await ctx.runQuery(workflow.counts, { name });
  const canGoOn = () =>
    Object.values(counted).some(
      ({ count, more }) => more !== undefined && count < 1000,
    );
  while ("runAction" in ctx && canGoOn())
    counted = await ctx.runQuery(workflow.counts, { name, counted });
  return Object.fromEntries(
    Object.entries(counted).map(([status, { count, more }]) => [
      status,
      more === undefined ? count : `${count}+`,
    ]),
  ) as RunCounts;
}

/** Lists the recorded steps of a run. */
export async function listSteps(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
  options: ListOptions = {},
): Promise<PaginationResult<WorkflowStep>> {
  const { listSteps } = component.workflow;
  return await pageOf(ctx, listSteps, "listSteps", options, { workflowId });
}
