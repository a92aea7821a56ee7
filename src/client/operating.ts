import type { PaginationResult } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { WorkflowHistory } from "../shared/history.js";
import type { RunResult } from "../shared/outcome.js";
import {
  nameFrom,
  pageOf,
  queryRun,
  requireMutations,
  type ListOptions,
} from "./calls.js";
import type { RestartOptions } from "./management.js";
import { checkOptions } from "./options.js";
import type {
  RunFilter,
  RunMutationCtx,
  RunQueryCtx,
  RunStatus,
  WorkflowComponent,
} from "./types.js";
import type { EventId, WorkflowId } from "./ids.js";

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
  const { event } = component as ComponentApi;
  return await pageOf(ctx, event.list, "listEvents", options, { workflowId });
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
  const { listOnCompleteFailures } = (component as ComponentApi).workflow;
  const call = "listOnCompleteFailures";
  return await pageOf(ctx, listOnCompleteFailures, call, options);
}

/**
 * Calls a failed `onComplete` again, with the same arguments. If it succeeds, its failure is deleted
 * in the same transaction, so that it can't succeed twice.
 *
 * @param id - The failure's id, from `listOnCompleteFailures`.
 * @throws The error of `onComplete`. The failure then stays, so that you can retry it.
 */
export async function retryOnComplete(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  id: string,
): Promise<void> {
  requireMutations(ctx, "retry onComplete");
  const { retryOnComplete } = (component as ComponentApi).workflow;
  await ctx.runMutation(retryOnComplete, { id });
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

/** Selects the runs of `cancelMany` and `cleanupMany`. */
export type ManyOptions<Status extends RunStatus = RunStatus> = Omit<
  RunFilter,
  "status"
> & {
  status?: Status;
  /** The last call's `cursor`. Pass the same filter with it. */
  cursor?: string;
};

/** Selects the runs of `restartMany`, and the step from which they run again. */
export type RestartManyOptions = ManyOptions<Exclude<RunStatus, "inProgress">> &
  Pick<RestartOptions, "from" | "fromFailure">;

/** The result of `cancelMany`, `restartMany` and `cleanupMany`. */
export type ManyResult = {
  /** The number of runs that this call canceled, restarted or cleaned up. */
  done: number;
  /** Pass it to the next call. Null if no matching run is left. */
  cursor: string | null;
};

/**
 * Cancels all matching runs in progress, oldest first, together with their children.
 *
 * In an action or a handler, it goes through all of them, with one transaction for each batch. In a
 * mutation, it does one batch of up to 32 runs. If `cursor` isn't null, pass it to another call, in
 * another transaction. Runs that start meanwhile aren't affected.
 */
export async function cancelMany(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  options: ManyOptions<"inProgress"> = {},
): Promise<ManyResult> {
  return await inBatches(
    ctx,
    component,
    "cancel workflows",
    "cancelMany",
    options,
  );
}

/**
 * Restarts all matching finished runs, oldest first, each with `startAsync`. Default: failed ones.
 * Children are left out, because the restart of their parent runs them again. So are runs without the step, and runs
 * whose key another run has by now. A WARN counts these in each batch. Batches and `cursor` are as in {@link cancelMany}.
 */
export async function restartMany(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  options: RestartManyOptions = {},
): Promise<ManyResult> {
  return await inBatches(
    ctx,
    component,
    "restart workflows",
    "restartMany",
    options,
  );
}

/**
 * Cleans up all matching finished runs, oldest first. Children of a parent in progress are left out.
 * Batches and `cursor` are as in {@link cancelMany}.
 */
export async function cleanupMany(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  options: ManyOptions<Exclude<RunStatus, "inProgress">> = {},
): Promise<ManyResult> {
  return await inBatches(
    ctx,
    component,
    "clean up workflows",
    "cleanupMany",
    options,
  );
}

async function inBatches(
  ctx: RunMutationCtx,
  component: WorkflowComponent,
  what: string,
  call: "cancelMany" | "restartMany" | "cleanupMany",
  options: ManyOptions & Pick<RestartOptions, "from">,
): Promise<ManyResult> {
  requireMutations(ctx, what);
  checkOptions(call, options);
  const batch = (component as ComponentApi).workflow[call];
  const { name, from, ...others } = options;
  // Not every call knows both, and convex-test refuses an unknown key even if it is undefined.
  const named = {
    ...(name !== undefined && { name: nameFrom(name) }),
    ...(from !== undefined && { from: nameFrom(from) }),
  };
  let done = 0;
  let { cursor = null }: { cursor?: string | null } = options;
  do {
    const args = { ...others, ...named, cursor: cursor ?? undefined };
    const next: ManyResult = await ctx.runMutation(batch, args);
    done += next.done;
    cursor = next.cursor;
    // A mutation's batches would share one transaction.
  } while (cursor !== null && "runAction" in ctx);
  return { done, cursor };
}
