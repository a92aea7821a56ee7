import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import { v, type Infer, type Validator, type VAny } from "convex/values";
import { vResultOf } from "../shared/outcome.js";
import type { OnCompleteArgs } from "./types.js";
import { vWorkflowId } from "./ids.js";

/** Any required validator. */
type Required = Validator<any, "required", any>;

/**
 * Validates the arguments of an `onComplete` mutation:
 *
 * ```ts
 * export const ended = internalMutation({
 *   args: vOnCompleteArgs(v.object({ order: v.string() })),
 *   handler: async (ctx, { workflowId, result, context }) => {
 *     console.log(`${context.order} (${workflowId}): ${result.kind}`);
 *   },
 * });
 * ```
 *
 * @param context - Validates the `context` that you pass to `start`. Default: `v.any()`.
 * @param returnValue - Validates the return value of a run that completed. Default: `v.any()`.
 */
export function vOnCompleteArgs<
  Context extends Required = VAny,
  ReturnValue extends Required = VAny,
>(context?: Context, returnValue?: ReturnValue) {
  return v.object({
    workflowId: vWorkflowId,
    result: vResultOf((returnValue ?? v.any()) as ReturnValue),
    // A run that was started without a context has none.
    context: (context ?? v.optional(v.any())) as Context,
  });
}

/** See `WorkflowManager.defineOnComplete`. */
export interface OnCompleteDefinition<
  DataModel extends GenericDataModel,
  Context extends Required,
  ReturnValue extends Required,
> {
  /** Validates the `context` that you pass to `start`. Default: `v.any()`. */
  context?: Context;
  /** Validates the return value of a run that completed. Default: `v.any()`. */
  returnValue?: ReturnValue;
  handler: (
    ctx: GenericMutationCtx<DataModel>,
    args: OnCompleteArgs<Infer<Context>, Infer<ReturnValue>>,
  ) => Promise<void>;
}
