import {
  createFunctionHandle,
  type FunctionReference,
  type FunctionReturnType,
  type FunctionVisibility,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { ArgsOfWorkflow } from "./context.js";
import type { StepRow } from "./entries.js";
import { codedError } from "../shared/errors.js";
import { errorMessage } from "../shared/failures.js";
import { checkOptions, OPTIONS, warnOfOptions } from "./options.js";
import {
  componentName,
  nameOf,
  nameOfReference,
  rulesOf,
  STARTS_RUN,
  type AnyRef,
} from "./stepContext.js";
import { recoverInBatches } from "../shared/recovery.js";
import { checkStart } from "./startOptions.js";
import type { Started } from "./define.js";
import type {
  PublicWorkflow,
  RunCounts,
  RunFilter,
  RunMutationCtx,
  RunningStep,
  RunQueryCtx,
  RunResult,
  StartOptions,
  WorkflowComponent,
  WorkflowStatus,
  WorkpoolOptions,
  WorkflowReference,
} from "./types.js";
import type { WorkflowId } from "./ids.js";
import type { WorkflowStep } from "./validators.js";

/**
 * Starts a run of a workflow in your transaction.
 *
 * If that transaction fails, the run never started. The first turn runs there too, so invalid
 * arguments throw here. If your handler throws, the run fails instead. From an action, this call
 * isn't retried. If it throws there, the run may still exist.
 *
 * @param ctx - The ctx of a mutation or action, or a workflow's `step`.
 * @param workflow - The workflow's reference, such as `internal.folder.file.workflow`.
 * @param args - The arguments of its handler.
 * @param options - See {@link StartOptions}.
 * @returns The id of the new run.
 */
// Not async, because L2 in `replay/legacy/replay.ts` counts the async functions around an answer.
export function start<
  Context = unknown,
  Workflow extends WorkflowReference = WorkflowReference,
>(
  ctx: RunMutationCtx,
  workflow: Workflow,
  args: ArgsOfWorkflow<Workflow>,
  options: StartOptions<Context> = {},
): Promise<WorkflowId> {
  return startFrom(undefined, ctx, workflow, args, options);
}

async function startFrom<Context, Workflow extends WorkflowReference>(
  component: WorkflowComponent | undefined,
  ctx: RunMutationCtx,
  workflow: Workflow,
  args: ArgsOfWorkflow<Workflow>,
  options: StartOptions<Context>,
): Promise<WorkflowId> {
  requireMutations(ctx, "start a workflow");
  const name = nameOfWorkflow(workflow);
  const rules = rulesOf(ctx);
  // The journal of a run of 0.4 holds the call as 0.4 made it, so make and answer it the same way.
  const isLegacy = rules?.recordsLegacyCalls;
  const check = isLegacy ? warnOfOptions : checkOptions;
  check(`start("${name}")`, options, OPTIONS.start);
  checkStart(name, options);
  const { onComplete, startAsync, ifRunning } = options;
  const call = {
    // Only known ones, as code under 0.4 may pass others.
    ...Object.fromEntries(
      OPTIONS.start.map((option) => [option, options[option]]),
    ),
    args,
    onComplete: onComplete && (await handleOf(onComplete)),
  };
  // Within a step, the caller's component is that of the run.
  const caller = {
    component: component ? componentName(component) : rules?.component,
    ...(ifRunning === "replace" && rules && { workflowId: rules.workflowId }),
  };
  const run = (startAsync: boolean | undefined): Promise<unknown> =>
    isLegacy
      ? ctx.runMutation(workflow, call)
      : (ctx as StartingCtx).runMutation(
          workflow,
          { ...call, caller, startAsync },
          rules && { [STARTS_RUN]: true },
        );
  let answer: unknown;
  try {
    answer = await run(startAsync);
  } catch (error) {
    if (NO_WORKFLOW.test(String(error))) throw notAWorkflow(name, error);
    if (!rules && ARGUMENTS_REFUSED.test(String(error)))
      throw argumentsRefused(name, args, error);
    // The mutation has rolled it back. If the handler crashed, a turn of its own can report the cause.
    if (rules || startAsync || !("db" in ctx)) throw error;
    answer = await run(true);
  }
  const workflowId = isLegacy ? answer : (answer as Started | null)?.workflowId;
  if (typeof workflowId !== "string") throw notAWorkflow(name);
  return workflowId as WorkflowId;
}

interface StartingCtx {
  runMutation(
    workflow: WorkflowReference,
    args: object,
    options?: object,
  ): Promise<unknown>;
}

/** The function's own validator refuses a workflow's arguments, or it returned something else to a step. */
const NO_WORKFLOW =
  /validat[^]*field `(args|caller)`(?![^]*Path: \.args)|did not answer as a workflow/i;

/** The workflow's validator refused the arguments before a run was created. */
const ARGUMENTS_REFUSED =
  /(ArgumentValidationError|Validator error|validation error)/i;

function argumentsRefused(name: string, args: object, cause: unknown) {
  const nested = "args" in args;
  return codedError(
    "INVALID_ARGUMENT",
    `Can't start "${name}": its arguments were refused. ${errorMessage(cause)}\n` +
      (nested
        ? "start takes the arguments as they are: start(ctx, workflow, { userId }), not { args: { userId } }."
        : "Pass what the workflow's args declare, and check that it is a workflow."),
  );
}

function notAWorkflow(name: string | undefined, cause?: unknown) {
  return new Error(
    `Can't start ${name === undefined ? "a run" : `"${name}"`}: it is not a workflow. Pass a reference to what ` +
      `defineWorkflow or a manager's define has returned, such as internal.folder.file.workflow.`,
    { cause },
  );
}

function nameOfWorkflow(workflow: WorkflowReference): string {
  try {
    return nameOf(workflow);
  } catch (error) {
    throw notAWorkflow(undefined, error);
  }
}

/** Catches ids that aren't strings, usually `undefined`, in code without types. */
export function checkRunId(workflowId: string) {
  if (typeof workflowId === "string") return;
  throw codedError(
    "INVALID_ARGUMENT",
    `Invalid workflow ID: ${String(workflowId)}. Expected the id that starting a workflow returned.`,
  );
}

/** Refuses a query's ctx in code without types. */
export function requireMutations(ctx: RunMutationCtx, what: string) {
  if (typeof (ctx as Partial<RunMutationCtx>).runMutation === "function")
    return;
  throw codedError(
    "INVALID_ARGUMENT",
    `Can't ${what} with this ctx: it can't run mutations. Call it in a mutation, an action or a workflow's handler.`,
  );
}

type OnComplete = FunctionReference<"mutation">;

/** Before 1.46, the types of convex have only one kind of reference. */
async function handleOf(onComplete: object) {
  nameOfReference(
    onComplete as AnyRef,
    "onComplete takes a mutation's reference",
  );
  return await createFunctionHandle(onComplete as OnComplete);
}

/** The manager's `start`. */
export function startAs<Context, Workflow extends WorkflowReference>(
  manager: StartingManager,
  ctx: RunMutationCtx,
  workflow: Workflow,
  args: ArgsOfWorkflow<Workflow>,
  options: StartOptions<Context> = {},
): Promise<WorkflowId> {
  const isLegacy = rulesOf(ctx)?.recordsLegacyCalls;
  return isLegacy && options.startAsync && !hasNewOptions(options)
    ? createAsBefore(manager, ctx, workflow, args, options)
    : startFrom(manager.component, ctx, workflow, args, options);
}

/** Whether code written for 0.4 can't have made this call, so that no journal of 0.4 holds it. */
const hasNewOptions = (options: object) =>
  OPTIONS.start.some(
    (name) =>
      !["onComplete", "context", "startAsync"].includes(name) &&
      (options as Record<string, unknown>)[name] !== undefined,
  );

/** Makes the call of a manager of 0.4, so that the step matches the journal. */
async function createAsBefore<Context, Workflow extends WorkflowReference>(
  { component, options: { workpoolOptions } }: StartingManager,
  ctx: RunMutationCtx,
  workflow: Workflow,
  args: ArgsOfWorkflow<Workflow>,
  options: StartOptions<Context>,
): Promise<WorkflowId> {
  warnOfOptions(`start("${nameOf(workflow)}")`, options, OPTIONS.start);
  const { onComplete, context, startAsync } = options;
  const id: string = await ctx.runMutation(component.workflow.create, {
    workflowName: nameOf(workflow),
    workflowHandle: await createFunctionHandle(workflow),
    workflowArgs: args,
    maxParallelism: workpoolOptions?.maxParallelism,
    onComplete: onComplete && {
      fnHandle: await handleOf(onComplete),
      context,
    },
    startAsync,
  });
  return id as WorkflowId;
}

interface StartingManager {
  component: WorkflowComponent;
  options: { workpoolOptions?: WorkpoolOptions };
}

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
  checkRunId(workflowId);
  const { workflow, inProgress } = await ctx.runQuery(
    component.workflow.getStatus,
    { workflowId },
  );
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
      return { type: "inProgress", running: inProgress.map(runningStep) };
    case "success":
      return { type: "completed", result: runResult.returnValue };
    case "failed":
      return { type: "failed", error: runResult.error };
    case "canceled":
      return { type: "canceled" };
  }
}

function runningStep({ step }: StepRow): RunningStep {
  return { ...step, kind: step.kind ?? "function" } as RunningStep;
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
  requireMutations(ctx, "cancel a workflow");
  checkRunId(workflowId);
  checkOptions("cancel", options, OPTIONS.cancel);
  const canceled: false | null = await ctx.runMutation(
    component.workflow.cancel,
    { workflowId, ...options },
  );
  return canceled !== false;
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
  requireMutations(ctx, "restart a workflow");
  checkRunId(workflowId);
  checkOptions("restart", options, OPTIONS.restart);
  await ctx.runMutation((component as ComponentApi).workflow.restart, {
    workflowId,
    ...options,
    from: nameFrom(options.from),
  });
}

export const nameFrom = <Name extends string | number | undefined>(
  name: Name | AnyRef,
) => (typeof name === "object" ? nameOf(name) : name);

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
  requireMutations(ctx, "clean up a workflow");
  checkRunId(workflowId);
  return await ctx.runMutation(component.workflow.cleanup, { workflowId });
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

export type ListOptions = {
  /** The order of creation, or of numbers for steps. Default: `asc`. */
  order?: "asc" | "desc";
  /** Default: the first 100. */
  paginationOpts?: PaginationOptions;
};

/** Reads one page of a list. */
export function pageOf<Row>(
  ctx: RunQueryCtx,
  query: FunctionReference<"query", FunctionVisibility>,
  args: ListOptions & Record<string, unknown>,
): Promise<PaginationResult<Row>> {
  const { order = "asc", paginationOpts = FIRST_PAGE } = args;
  return ctx.runQuery(query, { ...args, order, paginationOpts });
}

const FIRST_PAGE: PaginationOptions = { numItems: 100, cursor: null };

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
  checkOptions("list", options, OPTIONS.list);
  const name = nameFrom(options.name);
  return await pageOf(ctx, component.workflow.list, { ...options, name });
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
  checkOptions("listByName", options, OPTIONS.listByName);
  const { listByName } = component.workflow;
  return await pageOf(ctx, listByName, { ...options, name: nameFrom(name) });
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
  checkOptions("counts", options, OPTIONS.counts);
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
  checkOptions("listSteps", options, OPTIONS.listSteps);
  checkRunId(workflowId);
  const { listSteps } = component.workflow;
  return await pageOf(ctx, listSteps, { ...options, workflowId });
}
