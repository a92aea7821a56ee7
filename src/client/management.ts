import type { FunctionReturnType } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import { recoverInBatches } from "../shared/recovery.js";
import { changeRun, explained, nameFrom, requireMutations } from "./calls.js";
import { checkOptions } from "./options.js";
import type { AnyRef } from "./replay/journal.js";
import type {
  RunFilter,
  RunMutationCtx,
  RunStatus,
  WorkflowComponent,
} from "./types.js";

type CancelOptions = {
  /** If the run is finished, `"ignore"` returns false. Default: throw. */
  ifFinished?: "ignore";
};

/**
 * Stops a run now, together with its children in flight. Steps that haven't started never start.
 * Running actions finish, and their results are ignored. `onComplete` is called with `canceled`.
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

type RestartOptions = {
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
export const cancelMany = /* @__PURE__ */ inBatches<ManyOptions<"inProgress">>(
  "cancelMany",
  "cancel workflows",
);

/**
 * Restarts all matching finished runs, oldest first, each with `startAsync`. Default: failed ones.
 * Children are left out, because the restart of their parent runs them again. So are runs without the step, and runs
 * whose key another run has by now. A WARN counts these in each batch. Batches and `cursor` are as in {@link cancelMany}.
 */
export const restartMany = /* @__PURE__ */ inBatches<RestartManyOptions>(
  "restartMany",
  "restart workflows",
);

/**
 * Cleans up all matching finished runs, oldest first. Children of a parent in progress are left out.
 * Batches and `cursor` are as in {@link cancelMany}.
 */
export const cleanupMany = /* @__PURE__ */ inBatches<
  ManyOptions<Exclude<RunStatus, "inProgress">>
>("cleanupMany", "clean up workflows");

function inBatches<Options extends ManyOptions & Pick<RestartOptions, "from">>(
  call: "cancelMany" | "restartMany" | "cleanupMany",
  what: string,
) {
  return async (
    ctx: RunMutationCtx,
    component: WorkflowComponent,
    options?: Options,
  ): Promise<ManyResult> => {
    requireMutations(ctx, what);
    checkOptions(call, options);
    const batch = (component as ComponentApi).workflow[call];
    const {
      name,
      from,
      ...others
    }: ManyOptions & Pick<RestartOptions, "from"> = options ?? {};
    // Not every call knows both, and convex-test refuses an unknown key even if it is undefined.
    const named = {
      ...(name !== undefined && { name: nameFrom(name) }),
      ...(from !== undefined && { from: nameFrom(from) }),
    };
    let done = 0;
    let cursor: string | null | undefined = others.cursor;
    do {
      const args = { ...others, ...named, cursor: cursor ?? undefined };
      const answer: Promise<ManyResult> = ctx.runMutation(batch, args);
      const next = await explained(ctx, `Invalid options of ${call}`, answer);
      done += next.done;
      cursor = next.cursor;
      // A mutation's batches would share one transaction.
    } while (cursor !== null && "runAction" in ctx);
    return { done, cursor };
  };
}
