import { v, type Infer } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import { vRetryOption, vSchedulerOptions } from "../platform/options.js";
import {
  stepEngineFields,
  vDelivery,
  vStep,
  vWakes,
} from "../../component/schema.js";
import { vFailure, vRunResult } from "../../shared/outcome.js";

/** A step that a turn records, either one to start or an inline step with its result. */
export const vNewStep = v.object({
  step: vStep,
  retry: v.optional(vRetryOption),
  schedulerOptions: v.optional(vSchedulerOptions),
  /** The step's number in the journal. Absent for the next number. */
  stepNumber: v.optional(v.number()),
  /** The row of a step that a restart kept, to start again. */
  stepId: v.optional(v.id("steps")),
  /** The event wait fails after this many milliseconds. */
  timeoutMs: v.optional(v.number()),
  /** The name of a child, if it differs from the step's. */
  workflowName: v.optional(v.string()),
  delivery: stepEngineFields.delivery,
  wakes: stepEngineFields.wakes,
  group: stepEngineFields.group,
  failure: v.optional(vFailure()),
  argsOmitted: stepEngineFields.argsOmitted,
  startsRun: stepEngineFields.startsRun,
});
export type NewStep = Infer<typeof vNewStep>;

/** The step that a driver executed, with its result, until a commit of the driver's turn records it. */
export const vCompletedStep = v.object({
  stepId: v.id("steps"),
  stepNumber: v.number(),
  result: vRunResult(),
  failure: v.optional(vFailure()),
});

/** When the result of a recorded step was delivered. */
export const vDelivered = v.object({
  stepId: v.id("steps"),
  delivery: vDelivery,
});

/** The current wake condition of a recorded step in flight. */
export const vWakeCondition = v.object({
  stepId: v.id("steps"),
  wakes: vWakes,
  group: v.optional(v.number()),
});

/**
 * Returns true if a step that the turn will wait for already has its result. An inline step of the turn caused that,
 * for example by sending an event.
 */
export async function patchSteps(
  ctx: MutationCtx,
  deliveries: Infer<typeof vDelivered>[] = [],
  waits: Infer<typeof vWakeCondition>[] = [],
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
