import type { StepOutcome } from "../../shared/driverProtocol.js";
import { MAX_ROW_BYTES } from "../../shared/limits.js";
import { toOutcome, type RunResult } from "../../shared/outcome.js";
import { preview, sizeOf, storageProblem } from "../../shared/storable.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { readConfig } from "../platform/config.js";
import { wasCanceledByOperator } from "../platform/platformErrors.js";
import { functionTypeOf, runInProgress } from "../run/runs.js";
import { scheduleRunEnd, wake } from "../run/waking.js";
import { executeAgain, recordAttempt, takeOver } from "./attempts.js";
import {
  awaitedRow,
  awaitedStep,
  recordResult,
  type PendingStep,
} from "./completing.js";

/** The workpool's report of a finished job. Jobs and their contexts outlive the release that enqueued them. */
interface Report {
  workId?: string;
  /** The child, if 0.4 waited for one. */
  workflowId?: string;
  result: RunResult;
  context: unknown;
}

/** Completes the step in the context with the job's result. */
export async function completeStep(ctx: MutationCtx, report: Report) {
  const step = await stepOf(ctx, report);
  if (!step) return;
  const { result } = report;
  if (isLost(result) && functionTypeOf(step.row.step) === "mutation")
    await executeAgain(ctx, step);
  else await recordResult(ctx, step, { result });
}

/** Completes a step with the outcome of `execute:action`, or schedules its next attempt. */
export async function completeAction(
  ctx: MutationCtx,
  report: Report & { workId: string },
) {
  const step = await stepOf(ctx, report);
  if (!step || wasFollowed(step, report.workId)) return;
  const { result } = report;
  if (result.kind === "failed") await takeOver(ctx, step, result);
  else if (result.kind === "canceled") await recordAttempt(ctx, step, result);
  else await recordAttempt(ctx, step, result.returnValue as StepOutcome);
}

/** Handles a turn that threw, ran out of time, or had its job canceled. */
export async function failTurn(ctx: MutationCtx, report: Report) {
  const { result, context } = report;
  if (result.kind === "success") return;
  const { workflowId, generationNumber } = parseContext(ctx, context);
  if (!workflowId || generationNumber === undefined)
    return await keepUndeliverable(ctx, report);
  const run = await runInProgress(ctx, { workflowId, generationNumber });
  if (!run) return;
  if (isLost(result))
    return await wake(ctx, { ...run, pendingTurn: undefined });
  const canceled = `The pool's job for the next turn of workflow ${run._id} was canceled.`;
  await scheduleRunEnd(
    ctx,
    run,
    result.kind === "failed" ? result : { kind: "failed", error: canceled },
  );
}

const isLost = (result: RunResult) =>
  result.kind === "failed" && wasCanceledByOperator(result.error);

/** Parses a job's context. Under 0.4, a step's context has the id of its row. */
function parseContext(ctx: MutationCtx, context: unknown) {
  const named = (context ?? {}) as Record<string, unknown>;
  const { stepId, workflowId, stepNumber, generationNumber } = named;
  return {
    stepId:
      typeof stepId === "string" ? ctx.db.normalizeId("steps", stepId) : null,
    workflowId:
      typeof workflowId === "string"
        ? ctx.db.normalizeId("workflows", workflowId)
        : null,
    stepNumber: typeof stepNumber === "number" ? stepNumber : undefined,
    generationNumber:
      typeof generationNumber === "number" ? generationNumber : undefined,
  };
}

/** Returns the step in a job's context if its result is still needed. */
async function stepOf(
  ctx: MutationCtx,
  report: Report,
): Promise<PendingStep | null> {
  const { stepId, workflowId, stepNumber, generationNumber } = parseContext(
    ctx,
    report.context,
  );
  if (generationNumber !== undefined) {
    if (stepId) {
      const row = await ctx.db.get("steps", stepId);
      return await awaitedRow(ctx, row, generationNumber);
    }
    if (workflowId && stepNumber !== undefined)
      return await awaitedStep(ctx, {
        workflowId,
        stepNumber,
        generationNumber,
      });
  }
  await keepUndeliverable(ctx, report);
  return null;
}

/** Stores a completion that can't be matched to its step, and fails its run if it names one. */
async function keepUndeliverable(ctx: MutationCtx, args: Report) {
  const { workId, workflowId, result, context } = args;
  const shown = preview(context, 1000);
  const problem =
    storageProblem("it", { result, context }) !== undefined ||
    sizeOf({ result, context }) > MAX_ROW_BYTES;
  await ctx.db.insert("onCompleteFailures", {
    workId,
    workflowId,
    result: problem
      ? { kind: "failed", error: `Too large to be kept: ${preview(result)}` }
      : toOutcome(result).result,
    context: problem ? preview(context) : context,
  });
  const config = await readConfig(ctx);
  config.log.error(
    `A completion with an unexpected context was kept in onCompleteFailures: ${shown}`,
  );
  const run = await namedRun(ctx, context);
  if (!run || run.runResult) return;
  await scheduleRunEnd(ctx, run, {
    kind: "failed",
    error:
      `A completion for workflow ${run._id} has a context that is not understood, it is kept in ` +
      `onCompleteFailures: ${shown}`,
  });
}

async function namedRun(ctx: MutationCtx, context: unknown) {
  const { stepId, workflowId } = parseContext(ctx, context);
  const step = stepId && (await ctx.db.get("steps", stepId));
  const id = step ? step.workflowId : workflowId;
  return id && (await ctx.db.get("workflows", id));
}

/** Whether an action's attempt failed and another one is scheduled. */
const wasFollowed = ({ row: { step } }: PendingStep, workId: string) =>
  "functionType" in step && step.workId !== undefined && step.workId !== workId;
