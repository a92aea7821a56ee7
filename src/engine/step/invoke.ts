import type { FunctionHandle } from "convex/server";
import { v, type ObjectType } from "convex/values";
import type { StepCall, StepOutcome } from "../../shared/driverProtocol.js";
import { internal } from "../../component/_generated/api.js";
import { describeFailure, NON_RETRYABLE } from "../../shared/failures.js";
import { readRetryAfter } from "../../shared/retryAfter.js";
import { MAX_ERROR_BYTES, MAX_ROW_BYTES } from "../../shared/limits.js";
import {
  shortenError,
  sizeOf,
  recordingProblem,
} from "../../shared/storable.js";
import {
  limitsAfterReserving,
  type Reserve,
} from "../../shared/transactionBudget.js";
import type {
  ActionCtx,
  MutationCtx,
} from "../../component/_generated/server.js";
import type { Step } from "../../component/schema.js";
import { wasRefused } from "../platform/platformErrors.js";
import { isLegacy } from "../../shared/replayVersion.js";
import type { PendingStep, Outcome } from "./completing.js";

/** Runs a mutation step in this transaction. */
export async function runMutation(
  ctx: MutationCtx,
  due: PendingStep,
  { scheduledBeside = 0 } = {},
): Promise<Outcome> {
  const step: Step = due.row.step;
  if (!("functionType" in step))
    throw new Error(`Step "${step.name}" is not a function but a ${step.kind}`);
  const reserve = reserveFor(due);
  reserve.functionsScheduled += scheduledBeside;
  const { transactionLimits } = await limitsAfterReserving(ctx, reserve);
  try {
    const handle = step.handle as FunctionHandle<"mutation">;
    const args = step.args as Record<string, unknown>;
    const options = { transactionLimits };
    const returnValue: unknown = await (due.row.startsRun
      ? ctx.runMutation(internal.execute.start, { handle, args }, options)
      : ctx.runMutation(handle, args, options));
    return { result: { kind: "success", returnValue } };
  } catch (thrown) {
    const { error, failure } = describeFailure(thrown);
    return { result: { kind: "failed", error }, failure };
  }
}

export const startArgs = { handle: v.string(), args: v.any() };

/** Starts a run for a step. If the function is an ordinary mutation, its writes are rolled back. */
export async function start(
  ctx: MutationCtx,
  { handle, args }: ObjectType<typeof startArgs>,
): Promise<unknown> {
  const workflow = handle as FunctionHandle<"mutation">;
  const answer: unknown = await ctx.runMutation(workflow, args);
  const { kind } = (answer ?? {}) as Record<string, unknown>;
  if (kind !== "started")
    throw new Error("The function did not answer as a workflow does.");
  return answer;
}

/**
 * The budget to record the result and wake the run, including the rows' own bytes. It is minimal, because a function
 * may use almost a whole transaction. A large result has to fit into the rest.
 */
function reserveFor({ row, run }: PendingStep): Reserve {
  const args = sizeOf(row.step.args);
  const runBytes = sizeOf(run);
  // Finding out whether another step is in flight reads a row.
  const other = row.group !== undefined || isLegacy(run) ? MAX_ROW_BYTES : 0;
  return {
    documentsRead: 64,
    documentsWritten: 32,
    databaseQueries: 4,
    functionsScheduled: 2,
    scheduledFunctionArgsBytes: 64 * 1024,
    bytesRead: 64 * 1024 + 3 * args + 3 * runBytes + other,
    bytesWritten:
      64 * 1024 + Math.min(MAX_ROW_BYTES, args + MAX_ERROR_BYTES) + runBytes,
  };
}

/**
 * Runs a query, or one attempt of an action. The workpool keeps only an error's text, so this returns the whole
 * outcome.
 */
export async function attempt(
  ctx: ActionCtx,
  { functionType, handle, args, name }: StepCall,
): Promise<StepOutcome> {
  const startedAt = Date.now();
  try {
    const returnValue: unknown =
      (functionType === "query"
        ? await ctx.runQuery(handle as FunctionHandle<"query">, args)
        : await ctx.runAction(handle as FunctionHandle<"action">, args)) ??
      null;
    const problem = recordingProblem(
      `The return value of step "${name}"`,
      returnValue,
    );
    if (problem) return { kind: "failed", error: problem, nonRetryable: true };
    return { kind: "success", returnValue };
  } catch (thrown) {
    const { error, failure } = describeFailure(thrown);
    if (!failure && wasRefused(error)) return { kind: "refused" };
    const isStorable =
      failure && recordingProblem("data", failure.data) === undefined;
    return {
      kind: "failed",
      startedAt,
      error: shortenError(error),
      failure: isStorable ? failure : undefined,
      ...retryAdvice(failure?.data),
    };
  }
}

/** Reads from an error's data whether and when to retry. */
function retryAdvice(data: unknown) {
  if (typeof data !== "object" || data === null) return undefined;
  return {
    nonRetryable: NON_RETRYABLE in data || undefined,
    retryAt: readRetryAfter(data),
  };
}
