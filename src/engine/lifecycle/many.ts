import type { FunctionReference } from "convex/server";
import { ConvexError, v, type Infer, type ObjectType } from "convex/values";
import { startClock } from "../../shared/clock.js";
import { invalidArgument } from "../../shared/errors.js";
import { isHalfUnused } from "../../shared/transactionBudget.js";
import { oneOf } from "../../shared/oneOf.js";
import { api } from "../../component/_generated/api.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import {
  pagesOfRuns,
  runFilterFields,
  type RunFilter,
} from "../run/listing.js";
import { invalidCursor } from "../run/paging.js";
import { parentOf, type Run } from "../run/runs.js";
import { cancelRuns } from "./cancel.js";
import { cleanUp } from "./cleanup.js";
import { readConfig } from "../platform/config.js";
import { checkPlace, restartRun, type RestartPlace } from "./restart.js";

export const manyFields = {
  ...runFilterFields,
  /** Where to continue. Absent: from the oldest run. */
  cursor: v.optional(v.string()),
};
type Many = RunFilter & { cursor?: string };

export const vManyDone = v.object({
  /** The number of affected runs. */
  done: v.number(),
  /** Null: no run is left. */
  cursor: v.union(v.string(), v.null()),
});

/** The limits of one transaction, in which each run's `onComplete` may run. */
const RUNS_PER_BATCH = 32;
const MS_PER_BATCH = 300;

/**
 * Acts on runs that match a filter, oldest first, as many as fit in one transaction. Each run is checked once, in the
 * order of creation, even if the action changes it. Runs that start after the first batch began are never reached, not
 * even if an `onComplete` starts them. Otherwise a cancel might never end.
 */
async function forMany(
  ctx: MutationCtx,
  { cursor, ...filter }: Many,
  act: (run: Run) => Promise<boolean>,
) {
  const elapsed = startClock();
  const place = cursor === undefined ? undefined : parseCursor(cursor);
  const until =
    place?.until ?? Math.min(filter.until ?? Infinity, await nextCreation(ctx));
  const runs = pagesOfRuns(ctx, { ...filter, until });
  let after = place?.after ?? null;
  let done = 0;
  for (let looked = 0; looked < RUNS_PER_BATCH; looked++) {
    const next = await runs.paginate({ numItems: 1, cursor: after });
    const [run] = next.page;
    if (run && !run.cleanedUp && (await act(run))) done++;
    if (next.isDone) return { done, cursor: null };
    after = next.continueCursor;
    if (elapsed() > MS_PER_BATCH || !(await isHalfUnused(ctx))) break;
  }
  return { done, cursor: `${until} ${after}` };
}

/** Returns a creation time lower than that of any later insert. The clock could be behind or ahead of it. */
async function nextCreation(ctx: MutationCtx): Promise<number> {
  const row = { kind: "cancel" as const, args: null };
  const id = await ctx.db.insert("tasks", row);
  const { _creationTime } = (await ctx.db.get("tasks", id))!;
  await ctx.db.delete("tasks", id);
  return _creationTime;
}

function parseCursor(cursor: string) {
  const [, until, after] = /^([\d.]+) (.+)$/s.exec(cursor) ?? [];
  if (until && after) return { until: Number(until), after };
  throw invalidCursor(cursor);
}

export async function cancelMany(ctx: MutationCtx, many: Many) {
  const { status = "inProgress" } = many;
  if (status !== "inProgress")
    throw refuse("cancelMany", status, "Only runs in progress");
  return await forMany(ctx, { ...many, status }, async ({ _id }) => {
    await cancelRuns(ctx, [{ workflowId: _id }]);
    return true;
  });
}

/** Restarts finished runs. Skips children, because a parent's restart runs them again. */
export async function restartMany(
  ctx: MutationCtx,
  { from, fromFailure, ...many }: Many & RestartPlace,
) {
  checkPlace({ from, fromFailure }, "restartMany");
  const { status = "failed" } = many;
  if (status === "inProgress")
    throw refuse("restartMany", status, "Only finished runs");
  const leftOut: string[] = [];
  let count = 0;
  const result = await forMany(ctx, { ...many, status }, async (run) => {
    if (await parentOf(ctx, run)) return false;
    count++;
    try {
      await restartRun(ctx, run, { from, fromFailure, startAsync: true });
      return true;
    } catch (error) {
      // The run lacks the step, or another run has its key. Both are detected before any write.
      const { code, message } = dataOf(error);
      if (code !== "INVALID_ARGUMENT" && code !== "WORKFLOW_RUNNING")
        throw error;
      leftOut.push(`workflow ${run._id}. ${message}`);
      return false;
    }
  });
  const [first] = leftOut;
  if (first) {
    const { log } = await readConfig(ctx);
    log.warn(
      `restartMany leaves out ${leftOut.length} of ${count} runs, the first of them ${first}`,
    );
  }
  return result;
}

export async function cleanupMany(ctx: MutationCtx, many: Many) {
  const { status } = many;
  if (status === "inProgress")
    throw refuse("cleanupMany", status, "Only finished runs");
  return await forMany(
    ctx,
    many,
    async (run) =>
      run.runResult !== undefined &&
      !(await hasRunningParent(ctx, run)) &&
      (await cleanUp(ctx, run._id, false)),
  );
}

async function hasRunningParent(ctx: MutationCtx, child: Run) {
  const id = await parentOf(ctx, child);
  const run = id && (await ctx.db.get("workflows", id));
  return run ? run.runResult === undefined : false;
}

const refuse = (name: string, status: string, which: string) =>
  invalidArgument(
    `${name} can't take the status "${status}". ${which} can be chosen.`,
  );

const dataOf = (error: unknown) =>
  error instanceof ConvexError
    ? ((error.data ?? {}) as { code?: string; message?: string })
    : {};

export const changeRunsArgs = {
  operation: oneOf("cancel", "restart", "cleanup"),
  workflowIds: v.array(v.string()),
  from: v.optional(v.union(v.number(), v.string())),
  fromFailure: v.optional(v.boolean()),
};

export const vRunsChanged = v.object({
  done: v.number(),
  failures: v.array(v.object({ workflowId: v.string(), error: v.string() })),
  /** The runs for which the transaction had no room. */
  left: v.array(v.string()),
});

const MAX_RUNS = 50;

/** Changes each run in a subtransaction, so that a failure changes nothing and doesn't stop the others. */
export async function changeRuns(
  ctx: MutationCtx,
  args: ObjectType<typeof changeRunsArgs>,
): Promise<Infer<typeof vRunsChanged>> {
  const { operation, from, fromFailure } = args;
  const left = [...new Set(args.workflowIds)];
  if (left.length > MAX_RUNS)
    throw invalidArgument(
      `Can't ${operation} ${left.length} runs in one call. The maximum is ${MAX_RUNS}.`,
    );
  const door: FunctionReference<"mutation"> = api.workflow[operation];
  const options =
    operation === "restart" ? { from, fromFailure, startAsync: true } : {};
  const result: Infer<typeof vRunsChanged> = { done: 0, failures: [], left };
  const elapsed = startClock();
  while (left.length > 0) {
    const workflowId = left.shift()!;
    try {
      const done: unknown = await ctx.runMutation(door, {
        workflowId,
        ...options,
      });
      if (done === false)
        throw invalidArgument(
          `Can't clean up workflow ${workflowId}: it is in progress, or it was cleaned up before.`,
        );
      result.done++;
    } catch (thrown) {
      result.failures.push({
        workflowId,
        error: dataOf(thrown).message ?? String((thrown as Error).message),
      });
    }
    if (elapsed() > MS_PER_BATCH || !(await isHalfUnused(ctx))) break;
  }
  return result;
}
