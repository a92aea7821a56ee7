import { v, type Infer } from "convex/values";

/** Where in its handler a run failed, and which steps failed without being awaited. Only for the log. */
export const vOrigin = v.object({
  /** The step whose error the handler didn't catch, or the last step before the handler itself threw. */
  step: v.optional(
    v.object({
      stepNumber: v.number(),
      name: v.string(),
      failed: v.boolean(),
      /** The child that the step waited for. */
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
