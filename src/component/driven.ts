import { v, type Infer } from "convex/values";
import { storableOutcome } from "../shared/outcome.js";
import type { MutationCtx } from "./_generated/server.js";
import type { Config } from "./config.js";
import { logCompleted, recordResult } from "./completing.js";
import { dismissDriver } from "./drivers.js";
import { runFunction, vActionOutcome } from "./execute.js";
import { vLogLevel } from "./logging.js";
import { toOutcome } from "./pool.js";
import { retryStep } from "./retrying.js";
import type { Run, StepRow } from "./runs.js";
import { vDelivery, vFailure, vRunResult, vStep } from "./schema.js";

/** What a driver brings to a turn. */
export const vDrive = v.object({
  driver: v.number(),
  /** The step it was to execute. */
  stepNumber: v.number(),
  /** What came of it, if it is an action. Queries and mutations are executed in the turn's transaction. */
  outcome: v.optional(vActionOutcome),
  /** Of the copy of the journal that it holds. */
  held: v.optional(
    v.object({ revision: v.number(), size: v.number(), logLevel: vLogLevel }),
  ),
});

export const vCompletedStep = v.object({
  stepNumber: v.number(),
  result: vRunResult,
  failure: v.optional(vFailure),
  completedAt: v.number(),
});

/** The row of a step with its result, and where that was shown. */
export const vCompletedRow = v.object({
  stepId: v.id("steps"),
  stepNumber: v.number(),
  step: vStep,
  failure: v.optional(vFailure),
  delivery: v.optional(vDelivery),
});

/**
 * The part of a driver's turn that comes before the handler: the step that it was to execute is
 * executed, unless it was already (the driver did not hear that the transaction had committed).
 * Null when there is no turn to take: the driver is dismissed, or the step is tried again.
 */
export async function executeDriven(
  ctx: MutationCtx,
  run: Run,
  { driver, stepNumber, outcome: reported }: Infer<typeof vDrive>,
): Promise<{ run: Run; completed?: Infer<typeof vCompletedStep> } | null> {
  if (!run.driver || run.drivers !== driver) return null;
  const row = await ctx.db
    .query("steps")
    .withIndex("workflow", (q) =>
      q.eq("workflowId", run._id).eq("stepNumber", stepNumber),
    )
    .first();
  if (!row) return null;
  if (!row.step.inProgress || row.drivenBy !== driver) return { run };
  if (reported?.kind === "failed" && !reported.nonRetryable)
    if (await retryStep(ctx, { row, run }, reported.error)) {
      await dismissDriver(ctx, run);
      return null;
    }
  const outcome = storableOutcome(
    row.step,
    reported ? toOutcome(reported) : await runFunction(ctx, { row, run }),
  );
  const completed = { stepNumber, ...outcome, completedAt: Date.now() };
  const isMutation =
    "functionType" in row.step && row.step.functionType === "mutation";
  if (!isMutation) return { run, completed };
  return await afterMutation(ctx, run, row, completed);
}

/** A mutation may have changed its own run. What it did stays done, so its result is kept. */
async function afterMutation(
  ctx: MutationCtx,
  before: Run,
  row: StepRow,
  completed: Infer<typeof vCompletedStep>,
) {
  const run = await ctx.db.get("workflows", before._id);
  const same =
    run?.generationNumber === before.generationNumber &&
    !run.runResult &&
    run.drivers === before.drivers &&
    run.driver;
  if (run && same) return { run, completed };
  const now = run && (await ctx.db.get("steps", row._id));
  if (run && now?.step.inProgress && !now.unstarted)
    await recordResult(ctx, { row: now, run }, completed);
  return null;
}

/** Writes down the step that a driver has executed. */
export async function writeCompleted(
  ctx: MutationCtx,
  run: Run,
  { stepId, stepNumber, ...fields }: Infer<typeof vCompletedRow>,
  config: Config,
) {
  await ctx.db.patch("steps", stepId, fields);
  logCompleted(config, run, { _id: stepId, stepNumber }, fields.step);
}
