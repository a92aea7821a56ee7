import { v, type Infer } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Run } from "../run/runs.js";
import { vRetryOption, vSchedulerOptions } from "../platform/options.js";
import {
  stepEngineFields,
  vDelivery,
  vStep,
  vWakes,
} from "../../component/schema.js";
import { vFailure } from "../../shared/outcome.js";

/** A step that a turn writes down: one to be started, or an inline one with its result. */
export const vNewStep = v.object({
  step: vStep,
  retry: v.optional(vRetryOption),
  schedulerOptions: v.optional(vSchedulerOptions),
  /** The step's place in the journal. Absent: the next. */
  stepNumber: v.optional(v.number()),
  /** The row of a step that a restart kept, to be started again. */
  stepId: v.optional(v.id("steps")),
  /** An event wait ends in failure after this many milliseconds. */
  timeoutMs: v.optional(v.number()),
  /** The name of a nested run. Absent: the step's. */
  workflowName: v.optional(v.string()),
  delivery: stepEngineFields.delivery,
  wakes: stepEngineFields.wakes,
  group: stepEngineFields.group,
  failure: v.optional(vFailure),
  argsOmitted: stepEngineFields.argsOmitted,
  startsRun: stepEngineFields.startsRun,
});
export type NewStep = Infer<typeof vNewStep>;

/** The row of a step with its result, and where that was shown. */
export const vCompletedRow = v.object({
  stepId: v.id("steps"),
  stepNumber: v.number(),
  step: vStep,
  failure: v.optional(vFailure),
  delivery: v.optional(vDelivery),
});

/** Where the result of a recorded step was shown. */
export const vShown = v.object({ stepId: v.id("steps"), delivery: vDelivery });

/** How a recorded step in flight is waited for now. */
export const vWait = v.object({
  stepId: v.id("steps"),
  wakes: vWakes,
  group: v.optional(v.number()),
});

/** Which results the next turns show, each one alone. */
export async function setTrials(
  ctx: MutationCtx,
  run: Run,
  trials: Run["trials"],
) {
  run.trials = trials;
  await ctx.db.patch("workflows", run._id, { trials });
}

/**
 * True when a step that the turn is going to wait for has its result: an inline step of the turn
 * brought it about, an event that it sent, say, while nobody waited.
 */
export async function patchSteps(
  ctx: MutationCtx,
  deliveries: Infer<typeof vShown>[] = [],
  waits: Infer<typeof vWait>[] = [],
): Promise<boolean> {
  for (const { stepId, delivery } of deliveries)
    await ctx.db.patch("steps", stepId, { delivery });
  let missed = false;
  for (const { stepId, wakes, group } of waits) {
    const row = await ctx.db.get("steps", stepId);
    if (row && !row.step.inProgress) missed = true;
    await ctx.db.patch("steps", stepId, { wakes, group });
  }
  return missed;
}
