import { vResult, vWorkId } from "@convex-dev/workpool";
import { v, type Infer } from "convex/values";
import type { Id } from "./_generated/dataModel.js";
import { internalMutation, type MutationCtx } from "./_generated/server.js";
import {
  awaitedRow,
  awaitedStep,
  recordResult,
  type Completion,
  type Outcome,
} from "./completing.js";
import { readConfig } from "./config.js";
import { endRun, endRunAlone } from "./ending.js";
import type { ActionOutcome } from "./execute.js";
import { retryStep } from "./retrying.js";
import type { StepRow } from "./runs.js";

/** Not said here: jobs outlive the release that enqueued them, and so does what they carry. */
const anyContext = v.any();

/** Completes a step with what its job returned: jobs of 0.4, and transactions that died. */
export const onComplete = internalMutation({
  args: { workId: vWorkId, result: vResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, args) => {
    const step = await stepOf(ctx, args);
    if (step) await recordResult(ctx, step, { result: args.result });
    return null;
  },
});

/** Completes an action step with what `execute:action` returned, or makes its next attempt due. */
export const actionOnComplete = internalMutation({
  args: { workId: vWorkId, result: vResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, args) => {
    const step = await stepOf(ctx, args);
    if (!step || !isOfAttempt(step.row, args.context)) return null;
    const outcome = actionOutcome(args.result);
    if (outcome.kind === "failed" && !outcome.nonRetryable) {
      if (await retryStep(ctx, step, outcome.error)) return null;
    }
    await recordResult(ctx, step, toOutcome(outcome));
    return null;
  },
});

/** Jobs of earlier releases don't say. */
function isOfAttempt({ failedAttempts = 0 }: StepRow, context: unknown) {
  const { attempt = failedAttempts } = context as { attempt?: number };
  return attempt === failedAttempts;
}

/** Completes a parent's step with the result of its child: children begun by 0.4. */
export const nestedWorkflowOnComplete = internalMutation({
  args: { workflowId: v.string(), result: vResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, args) => {
    const step = await stepOf(ctx, args);
    if (step) await recordResult(ctx, step, { result: args.result });
    return null;
  },
});

/** Told by the pool that a turn did not finish: it threw, ran out of time, or its job was canceled. */
export const handlerOnComplete = internalMutation({
  args: { workId: vWorkId, result: vResult, context: anyContext },
  returns: v.null(),
  handler: async (ctx, { workId, result, context }) => {
    if (result.kind === "success") return null;
    const { workflowId, generationNumber } = parseTurnContext(context);
    const id = workflowId && ctx.db.normalizeId("workflows", workflowId);
    const run = id && (await ctx.db.get("workflows", id));
    if (!run) return null;
    if (generationNumber === undefined)
      await ctx.db.insert("onCompleteFailures", { workId, result, context });
    else if (run.generationNumber !== generationNumber) return null;
    if (run.runResult) return null;
    await endRunAlone(ctx, run, {
      kind: "failed",
      error:
        result.kind === "failed"
          ? result.error
          : `The pool's job for the next turn of workflow ${run._id} was canceled.`,
    });
    return null;
  },
});

/** The step that a job's context names, if its result is still awaited. */
async function stepOf(
  ctx: MutationCtx,
  args: {
    workId?: string;
    workflowId?: string;
    result: Infer<typeof vResult>;
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

function parseTurnContext(context: unknown) {
  const { workflowId, generationNumber } = (context ?? {}) as Record<
    string,
    unknown
  >;
  return {
    workflowId: typeof workflowId === "string" ? workflowId : undefined,
    generationNumber:
      typeof generationNumber === "number" ? generationNumber : undefined,
  };
}

/** A completion that can't be matched to its step is kept, and fails the run it names, if any. */
async function keepUndeliverable(
  ctx: MutationCtx,
  args: {
    workId?: string;
    workflowId?: string;
    result: Infer<typeof vResult>;
    context: unknown;
  },
) {
  const { workId, workflowId, result, context } = args;
  await ctx.db.insert("onCompleteFailures", {
    workId,
    workflowId,
    result,
    context,
  });
  const config = await readConfig(ctx);
  config.log.error(
    `A completion with an unexpected context was kept in onCompleteFailures: ${JSON.stringify(context)}`,
  );
  const run = await namedRun(ctx, context);
  if (!run || run.runResult) return;
  await endRun(
    ctx,
    run,
    {
      kind: "failed",
      error: `A step of workflow ${run._id} was completed with a context that is not understood: ${JSON.stringify(context)}`,
    },
    config,
  );
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

/** What the pool says of an action step's job. */
function actionOutcome(
  result: Infer<typeof vResult>,
): ActionOutcome | { kind: "canceled" } {
  switch (result.kind) {
    case "success":
      return result.returnValue as ActionOutcome;
    case "canceled":
      return result;
    case "failed":
      return actionDied(result);
  }
}

/** An attempt whose process died has no outcome of its own: the pool says what it knows. */
export const actionDied = ({ error }: { error: string }): ActionOutcome => ({
  kind: "failed",
  error: `The action's outcome is unknown, it may have run: ${error}`,
});

export function toOutcome(
  outcome: ActionOutcome | { kind: "canceled" },
): Outcome {
  if (outcome.kind !== "failed") return { result: outcome };
  const { error, failure } = outcome;
  return { result: { kind: "failed", error }, failure };
}
