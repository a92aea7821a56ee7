import { v, type Infer } from "convex/values";

/** Where in its handler a run failed, and which of its steps failed unnoticed: for the log only. */
export const vOrigin = v.object({
  /** The step whose error the handler let pass, or the last one before it failed by itself. */
  step: v.optional(
    v.object({
      stepNumber: v.number(),
      name: v.string(),
      failed: v.boolean(),
      /** The run that the step waited for. */
      child: v.optional(v.string()),
    }),
  ),
  /** The handler's own line. */
  line: v.optional(v.string()),
  unawaited: v.optional(
    v.array(
      v.object({ stepNumber: v.number(), name: v.string(), error: v.string() }),
    ),
  ),
});
export type Origin = Infer<typeof vOrigin>;
