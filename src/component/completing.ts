import { storableOutcome, type Outcome } from "../shared/outcome.js";
import type { Id } from "./_generated/dataModel.js";
import type { MutationCtx } from "./_generated/server.js";
import { readConfig, type Config } from "./config.js";
import type { Run, StepRow } from "./runs.js";
import { resultMatters, wake } from "./waking.js";

export type { Outcome };

export interface Completion {
  row: StepRow;
  run: Run;
}

/** One execution of a step. */
export interface StepExecution {
  workflowId: Id<"workflows">;
  stepNumber: number;
  generationNumber: number;
}

/**
 * The step and its run, if a result of this execution is still awaited; null when the step has one,
 * was cleaned up, or was ended by a cancel or restart.
 */
export async function awaitedStep(
  ctx: MutationCtx,
  { workflowId, stepNumber, generationNumber }: StepExecution,
): Promise<Completion | null> {
  const row = await ctx.db
    .query("steps")
    .withIndex("workflow", (q) =>
      q.eq("workflowId", workflowId).eq("stepNumber", stepNumber),
    )
    .first();
  return await awaitedRow(ctx, row, generationNumber);
}

/** As `awaitedStep`, by the step's row. */
export async function awaitedRow(
  ctx: MutationCtx,
  row: StepRow | null,
  generationNumber: number,
): Promise<Completion | null> {
  if (!row?.step.inProgress || row.unstarted) return null;
  const run = await ctx.db.get("workflows", row.workflowId);
  if (run?.generationNumber !== generationNumber) return null;
  return { row, run };
}

/** Records a step's result, once, and makes a turn due if the handler may be waiting for it. */
export async function recordResult(
  ctx: MutationCtx,
  { row, run }: Completion,
  outcome: Outcome,
  config?: Config,
) {
  const { result, failure } = storableOutcome(row.step, outcome);
  const completedAt = Date.now();
  row.step = {
    ...row.step,
    inProgress: false,
    runResult: result,
    completedAt,
  };
  row.failure = failure;
  await ctx.db.patch("steps", row._id, { step: row.step, failure });
  config ??= await readConfig(ctx);
  logCompleted(config, run, row);
  // What a race left behind goes on after the end, but has nobody to wake; and a restart that goes
  // on in further transactions wakes the run itself.
  if (run.runResult || run.restarting) return;
  if (await resultMatters(ctx, run, row, result.kind === "success"))
    await wake(ctx, run, config);
}

export function logCompleted(
  { log }: Config,
  run: Run,
  { _id, stepNumber, step }: StepRow,
) {
  const { name, runResult, startedAt, completedAt = startedAt } = step;
  log.event("stepCompleted", {
    workflowId: run._id,
    workflowName: run.name,
    stepId: _id,
    stepNumber,
    name,
    status: runResult?.kind,
    durationMs: completedAt - startedAt,
  });
}
