import { v, type Infer } from "convex/values";

/** A run's journal as JSON, with everything that its replay needs. */
export const vHistory = v.object({
  /** The version of this encoding. */
  format: v.number(),
  /** The workflow, as `folder/file:function`. */
  name: v.string(),
  workflowId: v.string(),
  /** The number of recorded steps. */
  steps: v.number(),
  /** The run and its steps, in Convex's JSON encoding. */
  data: v.string(),
});
export type WorkflowHistory = Infer<typeof vHistory>;

export const HISTORY_FORMAT = 1;
