import type { PaginationResult } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { WorkflowId } from "./ids.js";
import { pageOf, queryRun, type ListOptions } from "./calls.js";
import type { ListRunsOptions } from "./management.js";
import type {
  PublicWorkflow,
  Retention,
  RunQueryCtx,
  RunStatus,
  WorkflowComponent,
} from "./types.js";
import type { WorkflowStep } from "./validators.js";

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
  const { listSummaries } = (component as ComponentApi).workflow;
  return await pageOf(ctx, listSummaries, "listSummaries", options);
}

/** Lists the names of the workflows that have runs, in alphabetical order, up to 100. */
export async function listNames(
  ctx: RunQueryCtx,
  component: WorkflowComponent,
): Promise<string[]> {
  return await ctx.runQuery((component as ComponentApi).workflow.listNames, {});
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
  const { listStepSummaries } = (component as ComponentApi).workflow;
  return await pageOf(ctx, listStepSummaries, "listStepSummaries", options, {
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
