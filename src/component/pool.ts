import { vWorkId } from "@convex-dev/workpool";
import { v } from "convex/values";
import type { StepOutcome } from "../shared/driverProtocol.js";
import { MAX_ROW_BYTES } from "../shared/limits.js";
import { toOutcome, vRunResult, type RunResult } from "../shared/outcome.js";
import { preview, sizeOf, whyNotStorable } from "../shared/storable.js";
import type { Id } from "./_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import { concludeAttempt, takeOver } from "../engine/step/attempts.js";
import {
  awaitedRow,
  awaitedStep,
  recordResult,
  type Completion,
} from "../engine/step/completing.js";
import { readConfig } from "../engine/platform/config.js";
import { scheduleEnd } from "./ending.js";

/** Not said here: jobs outlive the release that enqueued them, and so does what they carry. */
const anyContext = v.any();

/** Completes a step with what its job returned: jobs of 0.4, and transactions that died. */
export const onComplete = internalMutation({
  args: { workId: vWorkId, result: vRunResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, args) => {
    const step = await stepOf(ctx, args);
    if (step) await recordResult(ctx, step, { result: args.result });
    return null;
  },
});

/** Completes a step with what `execute:action` returned, or makes its next attempt due. */
export const actionOnComplete = internalMutation({
  args: { workId: vWorkId, result: vRunResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, args) => {
    const step = await stepOf(ctx, args);
    if (!step || wasFollowed(step, args.workId)) return null;
    const outcome = await conclude(ctx, step, args.result);
    if (outcome) await recordResult(ctx, step, outcome);
    return null;
  },
});

/** Completes a parent's step with the result of its child: children begun by 0.4. */
export const nestedWorkflowOnComplete = internalMutation({
  args: { workflowId: v.string(), result: vRunResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, args) => {
    const step = await stepOf(ctx, args);
    if (step) await recordResult(ctx, step, { result: args.result });
    return null;
  },
});

/** Told by the pool that a turn did not finish: it threw, ran out of time, or its job was canceled. */
export const handlerOnComplete = internalMutation({
  args: { workId: vWorkId, result: vRunResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, { workId, result, context }) => {
    if (result.kind === "success") return null;
    const turn = parseTurnContext(ctx, context);
    if (!turn) {
      await keepUndeliverable(ctx, { workId, result, context });
      return null;
    }
    const run = await ctx.db.get("workflows", turn.workflowId);
    if (run?.generationNumber !== turn.generationNumber || run.runResult)
      return null;
    const canceled = `The pool's job for the next turn of workflow ${run._id} was canceled.`;
    await scheduleEnd(
      ctx,
      run,
      result.kind === "failed" ? result : { kind: "failed", error: canceled },
    );
    return null;
  },
});

/** The step that a job's context names, if its result is still awaited. */
async function stepOf(
  ctx: MutationCtx,
  args: {
    workId?: string;
    workflowId?: string;
    result: RunResult;
    context: unknown;
  },
): Promise<Completion | null> {
  const named = (args.context ?? {}) as Record<string, unknown>;
  const { stepId, workflowId, stepNumber, generationNumber } = named;
  if (typeof generationNumber === "number") {
    // 0.4 names a step by its row.
    const row =
      typeof stepId === "string" && ctx.db.normalizeId("steps", stepId);
    if (row)
      return await awaitedRow(
        ctx,
        await ctx.db.get("steps", row),
        generationNumber,
      );
    const run =
      typeof workflowId === "string" &&
      ctx.db.normalizeId("workflows", workflowId);
    if (run && typeof stepNumber === "number")
      return await awaitedStep(ctx, {
        workflowId: run,
        stepNumber,
        generationNumber,
      });
  }
  await keepUndeliverable(ctx, args);
  return null;
}

function parseTurnContext(ctx: MutationCtx, context: unknown) {
  const named = (context ?? {}) as Record<string, unknown>;
  const { workflowId, generationNumber } = named;
  const id =
    typeof workflowId === "string" &&
    ctx.db.normalizeId("workflows", workflowId);
  if (!id || typeof generationNumber !== "number") return null;
  return { workflowId: id, generationNumber };
}

/** A completion that can't be matched to its step is kept, and fails the run it names, if any. */
async function keepUndeliverable(
  ctx: MutationCtx,
  args: {
    workId?: string;
    workflowId?: string;
    result: RunResult;
    context: unknown;
  },
) {
  const { workId, workflowId, result, context } = args;
  const shown = preview(context, 1000);
  const problem =
    whyNotStorable("it", { result, context }) !== undefined ||
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
  await scheduleEnd(ctx, run, {
    kind: "failed",
    error:
      `A completion for workflow ${run._id} has a context that is not understood, it is kept in ` +
      `onCompleteFailures: ${shown}`,
  });
}

async function namedRun(ctx: MutationCtx, context: unknown) {
  const named = (context ?? {}) as Record<string, unknown>;
  const byStep =
    typeof named["stepId"] === "string" &&
    ctx.db.normalizeId("steps", named["stepId"]);
  const step = byStep && (await ctx.db.get("steps", byStep));
  const id: Id<"workflows"> | null = step
    ? step.workflowId
    : typeof named["workflowId"] === "string"
      ? ctx.db.normalizeId("workflows", named["workflowId"])
      : null;
  return id && (await ctx.db.get("workflows", id));
}

/** Whether an attempt of an action has failed already, and another is on its way. */
const wasFollowed = ({ row: { step } }: Completion, workId: string) =>
  "functionType" in step && step.workId !== undefined && step.workId !== workId;

/** As `execute:action` says, or the pool in its place. */
async function conclude(ctx: MutationCtx, step: Completion, result: RunResult) {
  switch (result.kind) {
    case "success":
      return await concludeAttempt(
        ctx,
        step,
        result.returnValue as StepOutcome,
      );
    case "canceled":
      return await concludeAttempt(ctx, step, result);
    case "failed":
      return await takeOver(ctx, step, result);
  }
}
