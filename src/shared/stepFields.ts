import { v, type Infer } from "convex/values";
import { lazy } from "./lazy.js";
import { oneOf } from "./oneOf.js";
import { vRunResult } from "./outcome.js";

/** The fields of every step, as it is stored and as apps see it. */
const stepFields = () => ({
  name: v.string(),
  args: v.any(),
  runResult: v.optional(vRunResult()),
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
});

/** The fields of a stored step of any kind. `status` shows them while the step is in flight. */
export const storedStepFields = () => ({
  ...stepFields(),
  inProgress: v.boolean(),
  argsSize: v.number(),
});

export const vFunctionType = /* @__PURE__ */ lazy(() =>
  oneOf("query", "mutation", "action"),
);

export const vStepState = /* @__PURE__ */ lazy(() =>
  oneOf("scheduled", "queued", "running", "backingOff", "waiting", "done"),
);
export type StepState = Infer<ReturnType<typeof vStepState>>;

export const vAttempt = /* @__PURE__ */ lazy(() =>
  v.object({
    startedAt: v.number(),
    endedAt: v.optional(v.number()),
    error: v.optional(v.string()),
  }),
);

/**
 * The fields of a listed step of any kind, without the run's id. Fields that 0.4 lacks are optional, so that code
 * generated for 0.4 fits, and steps that an app has stored.
 */
export const listedStepFields = () => ({
  ...stepFields(),
  stepId: v.string(),
  stepNumber: v.number(),
  state: v.optional(vStepState()),
  /** While the step is in flight. */
  dueAt: v.optional(v.number()),
  attempts: v.optional(v.array(vAttempt())),
});
