import type { FunctionHandle, FunctionType } from "convex/server";
import type { RunResult } from "../../shared/outcome.js";
import { components } from "../../component/_generated/api.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import { saveConfig, type Config } from "./config.js";
import { LONGEST_DELAY_MS } from "../../shared/limits.js";
import { lookAtScheduled, type JobState } from "./scheduler.js";

export interface Job {
  type: FunctionType;
  handle: string;
  /** For the workpool's logs. */
  name: string;
  args: Record<string, unknown>;
  runAt: number;
  onComplete: {
    handle: FunctionHandle<"mutation">;
    context: unknown;
    /** Kinds of result that need no callback. */
    exclude?: RunResult["kind"][];
  };
}

/** Enqueues all jobs in one call. Returns their ids in the same order. */
export async function enqueue(
  ctx: MutationCtx,
  jobs: Job[],
  { pool, isNew }: Config,
): Promise<string[]> {
  if (jobs.length === 0) return [];
  if (isNew) await saveConfig(ctx, {});
  return await ctx.runMutation(components.workpool.lib.enqueueBatch, {
    config: pool,
    items: jobs.map((job) => ({
      fnType: job.type,
      fnHandle: job.handle,
      fnName: job.name,
      fnArgs: job.args,
      runAt: notBefore(job.runAt),
      onComplete: {
        fnHandle: job.onComplete.handle,
        context: job.onComplete.context,
        excludeKinds: job.onComplete.exclude,
      },
    })),
  });
}

/**
 * The workpool counts time in units of this many milliseconds, and starts a job when the unit in which it is due
 * begins.
 */
const POOL_UNIT_MS = 100;

/** Returns when the workpool starts a job that may begin one unit early. */
export const beginOfUnit = (time: number) =>
  Math.floor(time / POOL_UNIT_MS) * POOL_UNIT_MS;

/**
 * Returns the time to pass to the workpool for a job that is due at `runAt`, so that it doesn't start earlier. The
 * workpool logs an error for a time long past.
 */
function notBefore(runAt: number): number {
  const now = Date.now();
  if (runAt <= now) return now;
  const unit = Math.ceil(runAt / POOL_UNIT_MS) * POOL_UNIT_MS;
  return Math.min(unit, now + LONGEST_DELAY_MS);
}

export async function cancelJob(ctx: MutationCtx, workId: string) {
  await ctx.runMutation(components.workpool.lib.cancel, { id: workId });
}

/** A job of the workpool, or a scheduled function. */
export interface JobId {
  workId?: string;
  scheduledId?: string;
}

/** Returns the states of jobs, in the same order. `unknown` means that the job has ended. */
export async function statesOfJobs(
  ctx: QueryCtx,
  jobs: JobId[],
): Promise<JobState[]> {
  const ids = jobs.flatMap(({ workId }) => workId ?? []);
  const found =
    ids.length === 0
      ? []
      : await ctx.runQuery(components.workpool.lib.statusBatch, { ids });
  const inPool = found.map(({ state }) => state);
  return await Promise.all(
    jobs.map(async ({ workId, scheduledId }): Promise<JobState> => {
      if (workId === undefined && scheduledId !== undefined)
        return await lookAtScheduled(ctx, scheduledId);
      const state = workId === undefined ? "finished" : inPool.shift()!;
      return { kind: state === "finished" ? "unknown" : state };
    }),
  );
}

export const stateOfJob = async (ctx: QueryCtx, job: JobId) =>
  (await statesOfJobs(ctx, [job]))[0]!;
