import type { PaginationResult } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { WorkflowHistory } from "../shared/history.js";
import { finalStatus, type RunResult } from "../shared/outcome.js";
import { nameFrom, pageOf, queryRun, type ListOptions } from "./calls.js";
import type { EventId, WorkflowId } from "./ids.js";
import { checkOptions } from "./options.js";
import { nameOfWorkflow } from "./start.js";
import type {
  PublicWorkflow,
  Retention,
  RunCounts,
  RunFilter,
  RunningStep,
  RunQueryCtx,
  RunStatus,
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
  const running = inProgress.map(
    ({ step }) => ({ ...step, kind: step.kind ?? "function" }) as RunningStep,
  );
  const status: WorkflowStatus = runResult
    ? finalStatus(runResult)
    : { type: "inProgress", running };
  return progress === undefined ? status : { ...status, progress };
}

type ListRunsOptions = RunFilter & ListOptions;

/**
 * Lists runs, including children. You can select them by status, workflow and start time. If a page
 * would read too much, you get a shorter one.
 */
export async function list(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  options: ListRunsOptions = {},
): Promise<PaginationResult<PublicWorkflow>> {
  return await pageOf(ctx, component, "list", options);
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
  return await pageOf(ctx, component, "listByName", options, { name });
}

/** The number of a run's steps. */
export type StepCounts = {
  count: number;
  /** Exact up to 10. */
  inFlight: number | `${number}+`;
};

/** A run without its values, as `listSummaries` returns it. */
export type RunSummary = Omit<
  PublicWorkflow,
  "args" | "context" | "runResult"
> & { steps: StepCounts };

/** Options of `listSummaries`. */
export type ListSummariesOptions = ListRunsOptions & {
  /**
   * A run's id, which is looked up, or its beginning. No index has ids in the order of creation, so each page looks
   * through 256 runs or `numItems`, whichever is more, and has those that match. It may be empty before the last one.
   */
  idPrefix?: string;
  /** Only the children of this run. */
  parent?: string;
};

/**
 * Lists runs without their arguments, contexts and results, but with the numbers of their steps. Use it
 * for tables of runs.
 */
export async function listSummaries(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  options: ListSummariesOptions = {},
): Promise<PaginationResult<RunSummary>> {
  return await pageOf(ctx, component, "listSummaries", options);
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

/** Lists the names of the workflows that have runs, in alphabetical order, up to 100. */
export async function listNames(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
): Promise<string[]> {
  return await ctx.runQuery((component as ComponentApi).workflow.listNames, {});
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

/** A parent or a child of a run. Without a name and a status, it was cleaned up. */
export type RunRelative = {
  workflowId: WorkflowId;
  name?: string;
  status?: RunStatus;
  /** The parent's step that runs the child. */
  stepNumber: number;
};

/** A scheduled function or a job of the workpool. */
export type EngineJob = {
  /** `unknown`: it has ended, and how isn't known. `dead`: it failed for good, and the watchdog replaces it. */
  state: "pending" | "running" | "done" | "canceled" | "dead" | "unknown";
  dueAt?: number;
};

/** A run, as `getRun` returns it. */
export type RunDetails = Omit<PublicWorkflow, "parent"> & {
  steps: StepCounts;
  /** Of a child. Absent if it was started under 0.4. */
  parent?: RunRelative;
  /** The first 20 children. The rest: `listSummaries` with `parent`. */
  children: RunRelative[];
  moreChildren: boolean;
  /** How often it was restarted or canceled. */
  generation: number;
  /** Of a failed run: the step at or after which its handler failed, and the handler's own line. */
  failedAt?: { stepNumber?: number; line?: string };
  key?: string;
  timeout?: number;
  retention?: Retention;
  /** When its timeout ends it. */
  deadlineAt?: number;
  /** When its retention deletes it. */
  cleanupAt?: number;
  /** As `start` set it. Absent: as the manager or the component does. */
  execution?: "driver" | "pool";
  /** The driver that executes its steps. */
  driver?: EngineJob & { number: number };
  /** The turn that is due. */
  turn?: EngineJob;
  /** The rules by which it is replayed. Absent: 0.4 started it. */
  engineVersion?: number;
};

/**
 * Returns everything about a run except its steps and events: its values, its parent and children, its
 * options and the state of the engine. Null if it is unknown or was cleaned up.
 */
export async function getRun(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
): Promise<RunDetails | null> {
  const { getDetails } = (component as ComponentApi).workflow;
  const found = await queryRun(ctx, getDetails, { workflowId });
  return found as RunDetails | null;
}

/** Lists the recorded steps of a run. */
export async function listSteps(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
  options: ListOptions = {},
): Promise<PaginationResult<WorkflowStep>> {
  return await pageOf(ctx, component, "listSteps", options, { workflowId });
}

/** A step without its values, as `listStepSummaries` returns it. */
export type StepSummary = Pick<
  WorkflowStep,
  | "stepNumber"
  | "name"
  | "kind"
  | "stepId"
  | "state"
  | "startedAt"
  | "completedAt"
  | "dueAt"
  /** Each error cut to its first line and 256 bytes. */
  | "attempts"
> & {
  functionType?: "query" | "mutation" | "action";
  outcome?: "success" | "failed" | "canceled";
  /** The first line of its error, cut to 256 bytes. */
  error?: string;
  maxAttempts?: number;
  child?: { workflowId: WorkflowId; status: RunStatus };
  eventId?: string;
};

/** Lists the steps of a run without their arguments and results. Use it for long runs. An unknown run has none. */
export async function listStepSummaries(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
  options: ListOptions = {},
): Promise<PaginationResult<StepSummary>> {
  return await pageOf(ctx, component, "listStepSummaries", options, {
    workflowId,
  });
}

/** Returns one step of a run, by its number. Null if the step or the run is unknown. */
export async function getStep(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
  stepNumber: number,
): Promise<WorkflowStep | null> {
  const { getStep } = (component as ComponentApi).workflow;
  const step = await queryRun(ctx, getStep, { workflowId, stepNumber });
  return step as WorkflowStep | null;
}

/** An event of a run, as `listEvents` returns it. */
export type WorkflowEvent = {
  eventId: EventId;
  name: string;
  /** `created`: `createEvent` created it, and it is neither sent nor awaited. `sent`: no step awaits it yet. */
  state: "created" | "waiting" | "sent" | "consumed";
  /** While a step waits for it. */
  waitingSince?: number;
  sentAt?: number;
  /** The step that waits for it or has consumed it. */
  stepNumber?: number;
  value?: any;
  /** The `error` that you sent. */
  error?: string;
};

/** Lists the events of a run in the order of their creation, including awaited ones. */
export async function listEvents(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
  options: ListOptions = {},
): Promise<PaginationResult<WorkflowEvent>> {
  return await pageOf(ctx, component, "listEvents", options, { workflowId });
}

/**
 * Exports a run's journal as one JSON value, with everything that a replay needs. Save it, and have
 * `replayHistory` of `@convex-dev/workflow/test` execute your current handler over it, for example in
 * CI. It contains the run's arguments and the results of its steps. Children have histories of their
 * own.
 *
 * @param ctx - The ctx of a query, mutation or action.
 * @throws If the journal exceeds 8 MiB, in which case the run has failed.
 */
export async function exportHistory(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  workflowId: string,
): Promise<WorkflowHistory> {
  const { exportHistory } = (component as ComponentApi).journal;
  return await queryRun(ctx, exportHistory, { workflowId });
}

/** A call of `onComplete` that threw, as `listOnCompleteFailures` returns it. */
export type OnCompleteFailure = {
  /** Pass it to `retryOnComplete`. */
  id: string;
  failedAt: number;
  error: string;
  workflowId?: WorkflowId;
  result: RunResult;
  context?: any;
  /** False for a report of the workpool that this release doesn't understand. It has no `onComplete`. */
  canRetry: boolean;
};

/** Lists the calls of `onComplete` that threw and haven't succeeded since, oldest first. */
export async function listOnCompleteFailures(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
  options: ListOptions = {},
): Promise<PaginationResult<OnCompleteFailure>> {
  return await pageOf(ctx, component, "listOnCompleteFailures", options);
}
