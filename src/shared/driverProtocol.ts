import { v, type Infer, type VAny, type VString } from "convex/values";
import { lazy } from "./lazy.js";
import { vLogLevel, type LogLevel } from "./logging.js";
import { vFailure } from "./outcome.js";
import { isRetried, type RetryBehavior } from "./retry.js";

/**
 * The messages between a driver (`component/driving.ts`) and the turns of its run. A driver calls the workflow's
 * mutation with `Drive`, the outcome of the step that it executed. The turn records the outcome, executes the handler
 * and replies with `DriveReply`, the step to execute next.
 *
 * Between turns, a driver holds a copy of its run's journal. Invariant: the copy equals the journal if and only if its
 * `revision` is the run's.
 * - The driver's own turns keep the revision and reply with the rows that they changed.
 * - Any other change of the journal calls `bumpRevision`, which raises the revision.
 * - `beginTurn` compares the revisions before it uses the copy. If they differ, it sends a new copy.
 * Only the driver that `drivers` in the run's row names may act on its copy. Turns of other drivers do nothing.
 */

/** The outcome of a function that an action called: a step's query or action. */
export const vStepOutcome = /* @__PURE__ */ lazy(() =>
  v.union(
    v.object({ kind: v.literal("success"), returnValue: v.any() }),
    v.object({
      kind: v.literal("failed"),
      error: v.string(),
      failure: v.optional(vFailure()),
      /** When the attempt began. */
      startedAt: v.optional(v.number()),
      nonRetryable: v.optional(v.boolean()),
      retryAt: v.optional(v.number()),
    }),
    // The platform refused to start it, so it doesn't count as an attempt.
    v.object({ kind: v.literal("refused") }),
  ),
);
export type StepOutcome = Infer<ReturnType<typeof vStepOutcome>>;

/** A query or action to call. It runs outside the transaction that records its result. */
export const vStepCall = /* @__PURE__ */ lazy(() =>
  v.object({
    functionType: v.union(v.literal("query"), v.literal("action")),
    handle: v.string(),
    args: v.any(),
    name: v.string(),
  }),
);
export type StepCall = Infer<ReturnType<typeof vStepCall>>;

/** The step that a driver executes next. The turn executes mutations, so they have no `call`. */
export const vDrivenStep = /* @__PURE__ */ lazy(() =>
  v.object({
    stepNumber: v.number(),
    call: v.optional(vStepCall()),
    /** Another attempt follows if this one fails. */
    isRetried: v.optional(v.boolean()),
    /** The run may have been canceled or restarted since, so check that before an action begins. */
    unsure: v.optional(v.boolean()),
  }),
);
export type DrivenStep = Infer<ReturnType<typeof vDrivenStep>>;

/** The part of a `Drive` that begins a turn. */
export const vBeginDrive = /* @__PURE__ */ lazy(() =>
  v.object({
    driver: v.number(),
    /** The step that the driver executed. */
    stepNumber: v.number(),
    /** The step's outcome, unless it is a mutation. */
    outcome: v.optional(vStepOutcome()),
    /** The driver's knowledge about its copy of the journal. */
    held: v.optional(
      v.object({
        revision: v.number(),
        size: v.number(),
        logLevel: vLogLevel(),
      }),
    ),
  }),
);

/** An app's module checks little of a reply, because only the component receives it. */
export const vDriveReply = () =>
  v.object({
    kind: v.literal("driving"),
    next: v.any() as VAny<DrivenStep>,
    revision: v.number(),
    logLevel: v.string() as VString<LogLevel>,
    /** The whole journal, or the rows that this turn changed. Absent if it is too large to hand over. */
    rows: v.optional(v.array(v.any())),
    isWhole: v.boolean(),
  });

type BeginDrive = Infer<ReturnType<typeof vBeginDrive>>;

/** A copy of a journal, in rows of the steps table. */
export type Held<Row> = NonNullable<BeginDrive["held"]> & { rows: Row[] };

export type Drive<Row> = Omit<BeginDrive, "held"> & {
  /** Another driver executes the next step. */
  shouldHandOver: boolean;
  /** The JSON text of several rows is faster than the rows. */
  held?: Held<Row | string>;
};

export type DriveReply<Row> = Omit<
  Infer<ReturnType<typeof vDriveReply>>,
  "rows"
> & {
  rows?: Row[];
};

/** If the journal is larger, every turn reads it again, instead of handing it over. */
const MAX_HELD_BYTES = 4 * (1 << 20);

/** Convex's limit for one array is 8,192. */
const MAX_HELD_ROWS = 8000;

/** Whether a driver may hold a copy of a journal. */
export const canBeHeld = (journal: { size: number; rows: unknown[] }) =>
  journal.size <= MAX_HELD_BYTES && journal.rows.length <= MAX_HELD_ROWS;

export function drivenStep(row: {
  stepNumber: number;
  step: {
    name: string;
    args?: unknown;
    functionType?: string;
    handle?: string;
  };
  retry?: RetryBehavior;
  failedAttempts?: number;
}): DrivenStep {
  const { stepNumber, step } = row;
  const { functionType, handle, name, args } = step;
  if (functionType !== "action" && functionType !== "query")
    return { stepNumber };
  return {
    stepNumber,
    call: { functionType, handle: handle!, name, args },
    isRetried: isRetried(row) || undefined,
  };
}
