import {
  internalMutationGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
  type RegisteredMutation,
} from "convex/server";
import { v, type Infer, type Validator, type VAny } from "convex/values";
import { vResultOf } from "../shared/outcome.js";
import { checkOptions } from "./options.js";
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

/** See `WorkflowManager.defineOnComplete`. */
export function defineOnComplete<
  DataModel extends GenericDataModel,
  Context extends Required,
  ReturnValue extends Required,
>(
  definition: OnCompleteDefinition<DataModel, Context, ReturnValue>,
): RegisteredMutation<
  "internal",
  OnCompleteArgs<Infer<Context>, Infer<ReturnValue>>,
  null
> {
  checkOptions("defineOnComplete", definition);
  const { context, returnValue, handler } = definition;
  if (typeof handler !== "function")
    throw new Error(
      `Invalid definition of an onComplete: its handler is ${String(handler)}. Expected an async function (ctx, args) => ….`,
    );
  return internalMutationGeneric({
    args: vOnCompleteArgs(context, returnValue),
    handler: handler as never,
  });
}
