import { v, type Infer } from "convex/values";
import { vLogLevel } from "../../shared/logging.js";
import type { RetryBehavior } from "../../shared/retry.js";
import { vExecution, vRetryBehavior } from "../../component/schema.js";

/** The workpool options of a manager or a workflow's definition. */
export const vWorkpoolOptions = v.object({
  maxParallelism: v.optional(v.number()),
  execution: v.optional(vExecution),
  logLevel: v.optional(vLogLevel()),
  defaultRetryBehavior: v.optional(vRetryBehavior),
  retryActionsByDefault: v.optional(v.boolean()),
});
export type WorkpoolOptions = Infer<typeof vWorkpoolOptions>;

export const vRetryOption = v.union(v.boolean(), vRetryBehavior);

export const vSchedulerOptions = v.union(
  v.object({ runAt: v.optional(v.number()) }),
  v.object({ runAfter: v.optional(v.number()) }),
);
type SchedulerOptions = Infer<typeof vSchedulerOptions>;

const DEFAULT_RETRY_BEHAVIOR: RetryBehavior = {
  maxAttempts: 5,
  initialBackoffMs: 500,
  base: 2,
};

/** Returns an action's retry policy, if it has one. The step's own option takes precedence over the defaults. */
export function retryBehavior(
  own: Infer<typeof vRetryOption> | undefined,
  options: WorkpoolOptions | undefined,
): RetryBehavior | undefined {
  if (typeof own === "object") return own;
  if (!(own ?? options?.retryActionsByDefault)) return undefined;
  return options?.defaultRetryBehavior ?? DEFAULT_RETRY_BEHAVIOR;
}

export function startTime(options: SchedulerOptions = {}): number {
  const { runAt, runAfter = 0 }: { runAt?: number; runAfter?: number } =
    options;
  return runAt ?? Date.now() + runAfter;
}
