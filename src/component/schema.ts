import { defineSchema, defineTable } from "convex/server";
import { v, type Infer, type ObjectType } from "convex/values";
import { vFailure, vRunResult } from "../shared/outcome.js";
import { storedStepFields, vFunctionType } from "../shared/stepFields.js";
import { vRetention } from "../shared/retention.js";
import { vLogLevel } from "../shared/logging.js";
import { oneOf } from "../shared/oneOf.js";

export const vOnComplete = v.object({
  fnHandle: v.string(),
  context: v.optional(v.any()),
});

export const vRetryBehavior = v.object({
  maxAttempts: v.number(),
  initialBackoffMs: v.number(),
  base: v.number(),
  maxBackoffMs: v.optional(v.number()),
});

export const vStep = v.union(
  v.object({
    // Rows of early releases have no kind.
    kind: v.optional(v.literal("function")),
    functionType: vFunctionType(),
    handle: v.string(),
    /** The workpool's job that runs it. */
    workId: v.optional(v.string()),
    ...storedStepFields(),
  }),
  v.object({
    kind: v.literal("workflow"),
    handle: v.string(),
    /** The child's run. */
    workflowId: v.optional(v.id("workflows")),
    ...storedStepFields(),
  }),
  v.object({
    kind: v.literal("event"),
    /** The event it waits for or has consumed. */
    eventId: v.optional(v.id("events")),
    ...storedStepFields(),
    /** The handler's arguments. A refused step keeps even an id that isn't an event's. */
    args: v.object({ eventId: v.optional(v.string()) }),
  }),
  v.object({
    kind: v.literal("sleep"),
    /** The scheduled function that will end it. In rows of 0.4, a job of the workpool. */
    workId: v.optional(v.string()),
    ...storedStepFields(),
  }),
  // A call of `step.patched` that returned true. Its name is the patch's id. It is completed when it is inserted, and
  // no turn delivers its result.
  v.object({ kind: v.literal("patch"), ...storedStepFields() }),
);
export type Step = Infer<typeof vStep>;

/**
 * When a result was delivered to the handler: as the `order`th of all results (from 0), after the
 * handler had issued `issued` steps. Written once, by the turn that delivered it.
 */
export const vDelivery = v.object({ order: v.number(), issued: v.number() });

/**
 * Which result of a step in flight wakes its run, as of the last time the handler blocked.
 * `all`: a failure, or the last success of its group. `allSettled`: the last result of the group.
 * `any`: a success, or the last failure of the group.
 */
export const vWakes = oneOf("always", "never", "all", "allSettled", "any");
export type Wakes = Infer<typeof vWakes>;

/**
 * A result that crashed a turn, because delivering it left a rejected promise without a handler. This records the
 * last try and the rejection. The result is tried again after more results have been delivered.
 */
export const vHeldBack = v.object({
  generationNumber: v.number(),
  /** How many results had been delivered. */
  shown: v.number(),
  error: v.string(),
});

/** After a crashed turn, the next delivers only the first of `steps` as a new result, after `shown` results. */
export const vTrials = v.object({
  shown: v.number(),
  steps: v.array(v.number()),
});

/** A step's fields that only the engine uses. All are absent in rows of 0.4. */
export const stepEngineFields = {
  delivery: v.optional(vDelivery),
  /** The result isn't delivered until others have been. */
  heldBack: v.optional(vHeldBack),
  /** Absent: always. */
  wakes: v.optional(vWakes),
  /** Steps of one group are members of one Promise combinator. */
  group: v.optional(v.number()),
  failure: v.optional(vFailure()),
  /** A restart kept the step but not its execution, so the next turn starts it again. */
  unstarted: v.optional(v.boolean()),
  /** The number of the driver that executes it. */
  drivenBy: v.optional(v.number()),
  /** The run's progress while a driver executes this step and nothing else is in flight. It saves a write of the run. */
  progress: v.optional(v.any()),
  /** The arguments couldn't be stored, so the step failed and replay doesn't compare them. */
  argsOmitted: v.optional(v.boolean()),
  /** It starts a run, so the step's function has to be a workflow. */
  startsRun: v.optional(v.boolean()),
  retry: v.optional(vRetryBehavior),
  /** Attempts of an action that have ended in failure. */
  failedAttempts: v.optional(v.number()),
  /** When the step is due, if that is later than its recording, as requested or after a backoff. */
  dueAt: v.optional(v.number()),
  /** The last attempts that another one followed, for lists. Replay doesn't need them. */
  attempts: v.optional(
    v.array(
      v.object({
        startedAt: v.number(),
        endedAt: v.number(),
        error: v.string(),
      }),
    ),
  ),
  /** The scheduled function that ends a sleep, or an event wait with a timeout, and when. */
  timer: v.optional(v.object({ scheduledId: v.string(), endsAt: v.number() })),
  /** How long an event wait may take, in milliseconds. */
  timeoutMs: v.optional(v.number()),
};

/** The step at or after which a handler failed, and its own line. */
export const vFailedAt = v.object({
  stepNumber: v.optional(v.number()),
  line: v.optional(v.string()),
});

/** `driver`: one driver executes a chain of steps. `pool`: each step is a separate job. */
export const vExecution = oneOf("driver", "pool");
export type ExecutionMode = Infer<typeof vExecution>;

/** Identifies a run as it is between two cancels or restarts. */
export const vGeneration = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
};
export type Generation = ObjectType<typeof vGeneration>;

/** Identifies a step within a generation of its run. All its attempts share it. */
export const vStepExecution = { ...vGeneration, stepNumber: v.number() };
export type StepExecution = ObjectType<typeof vStepExecution>;

/** Identifies one driver of a run. */
export const vDriver = { ...vGeneration, driver: v.number() };

export const vEventState = v.union(
  v.object({ kind: v.literal("created") }),
  v.object({
    kind: v.literal("sent"),
    result: vRunResult(),
    sentAt: v.number(),
  }),
  v.object({
    kind: v.literal("waiting"),
    waitingAt: v.number(),
    stepId: v.id("steps"),
  }),
  v.object({
    kind: v.literal("consumed"),
    waitingAt: v.number(),
    sentAt: v.number(),
    consumedAt: v.number(),
    stepId: v.id("steps"),
  }),
);

export const vTaskKind = oneOf(
  "cancel",
  "restart",
  "cleanUp",
  "cleanUpNested",
  "callOnComplete",
  "timeOut",
  "expire",
);

export default defineSchema({
  // One row for each run. Written by `create`, by whatever ends the run, by restart and by cleanup.
  // A wake and the turn that follows write `pendingTurn`. The start, the end and the check of a driver write
  // `driver` and `drivers`. The first change of the journal by anything but the driver writes `revision`.
  // Read by every turn and every completion. Deleted by cleanup, or with the last function step that was in
  // flight then.
  workflows: defineTable({
    name: v.optional(v.string()),
    workflowHandle: v.string(),
    args: v.any(),
    onComplete: v.optional(vOnComplete),
    runResult: v.optional(vRunResult()),
    /** When the run ended. */
    endedAt: v.optional(v.number()),
    /** Where its handler failed. */
    failedAt: v.optional(vFailedAt),
    /** Raised by cancel and restart. Work that began under a lower number changes nothing. */
    generationNumber: v.number(),
    // Rows of early releases have these. Nothing reads them.
    logLevel: v.optional(v.any()),
    startedAt: v.optional(v.any()),
    state: v.optional(v.any()),
    /** The replay rules that the run began under. Absent: 0.4 began it. */
    engineVersion: v.optional(v.number()),
    /** The parent's step that runs this child. */
    parent: v.optional(v.object(vStepExecution)),
    /** The turn that is due, or the end of a run that can't continue: a job of the workpool, or a scheduled
     * function with its watchdog. */
    pendingTurn: v.optional(
      v.union(
        v.object({ workId: v.string() }),
        v.object({
          scheduledId: v.string(),
          checkId: v.string(),
          /** A canceled job scheduled it, so it is canceled from the start. */
          isLost: v.optional(v.boolean()),
          /** For a run that starts later. */
          dueAt: v.optional(v.number()),
        }),
      ),
    ),
    /** How long it may take, in milliseconds, from each start or restart. */
    timeoutMs: v.optional(v.number()),
    /** The run ended because of its timeout. As in a canceled run, its steps in flight stop. */
    timedOut: v.optional(v.boolean()),
    retention: v.optional(vRetention()),
    /** The run's due task: its deadline or, once it has ended, its cleanup. */
    dueTask: v.optional(v.id("tasks")),
    /** At most one run of a workflow with this key is in progress. */
    key: v.optional(v.string()),
    trials: v.optional(vTrials),
    /** The last value that its handler passed to `step.setProgress`. */
    progress: v.optional(v.any()),
    /** How its steps are executed. Absent: as its manager or the component's config states. */
    execution: v.optional(vExecution),
    /** The driver that is assumed to be alive: a job of the workpool or a scheduled action, and its watchdog. */
    driver: v.optional(
      v.object({
        workId: v.optional(v.string()),
        scheduledId: v.optional(v.string()),
        checkId: v.string(),
        /** When the driver was due. */
        startedAt: v.optional(v.number()),
        /** The journal's revision when the driver last got a copy. */
        revision: v.optional(v.number()),
      }),
    ),
    /** How many drivers the run has had. A driver with a lower number changes nothing. */
    drivers: v.optional(v.number()),
    /** Raised if anything but the driver changes the journal, because the driver holds a copy. */
    revision: v.optional(v.number()),
    /** A restart that takes further transactions: the first step to delete, and the step from which on it is done. */
    restarting: v.optional(
      v.object({ from: v.number(), doneFrom: v.optional(v.number()) }),
    ),
    /** Cleaned up, except for its function steps in flight. The last of them deletes the row. */
    cleanedUp: v.optional(v.boolean()),
    // Earlier rows have these. Nothing reads them.
    maxParallelism: v.optional(v.number()),
    poolLogLevel: v.optional(vLogLevel()),
  })
    // In order of creation, with every status.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("name", ["name"])
    // Runs that are driven, in the order in which their drivers were due.
    .index("driver", ["driver.startedAt"])
    .index("result", ["runResult.kind"])
    .index("nameResult", ["name", "runResult.kind"])
    .index("key", ["name", "key", "runResult.kind"])
    .index("parent", ["parent.workflowId"]),

  // One row for each step: the journal. The turn in which the handler asks for the step inserts it. The step's
  // execution completes it once. The turn that delivers the result adds `delivery`. Read by every turn. Deleted
  // by cleanup, or by a restart from this or an earlier step. A function step in flight at cleanup is deleted
  // when it is done.
  steps: defineTable({
    workflowId: v.id("workflows"),
    stepNumber: v.number(),
    step: vStep,
    ...stepEngineFields,
  })
    .index("workflow", ["workflowId", "stepNumber"])
    .index("inProgress", ["step.inProgress", "workflowId"])
    .index("drivenBy", ["workflowId", "drivenBy", "step.inProgress"])
    .index("group", ["workflowId", "group", "step.inProgress"])
    .index("name", ["workflowId", "step.name", "stepNumber"])
    .index("result", ["workflowId", "step.runResult.kind", "stepNumber"]),

  // One row for each event. Inserted by `event.create`, by a send that nothing waits for, or by a wait for an
  // event that isn't there yet. Deleted by cleanup. If createEvent didn't create it, it is also deleted with the
  // step that waits for it or consumed it: by a restart that deletes that step, or when the wait times out.
  events: defineTable({
    workflowId: v.id("workflows"),
    name: v.string(),
    state: vEventState,
    /** While waiting: the waiting step's number. Waits are served in this order. */
    waiter: v.optional(v.number()),
    /** While sent: the parts of an error that its text doesn't contain. */
    failure: v.optional(vFailure()),
    /** Inserted by a wait. A restart that deletes the wait deletes it, and so does a timeout. */
    createdByWait: v.optional(v.boolean()),
    /** Inserted by a send. A restart that deletes the step that consumed it deletes it. */
    sentByName: v.optional(v.boolean()),
  })
    // In order of creation, in every state.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("workflow", ["workflowId"])
    .index("workflowId_state", ["workflowId", "state.kind"])
    .index("name", ["workflowId", "name", "state.kind", "waiter"]),

  // At most one row: the settings of `utils:updateConfig`, and the warnings that managers got. Inserted when the
  // workpool first gets its settings. Read by everything that logs or enqueues.
  config: defineTable({
    logLevel: v.optional(vLogLevel()),
    maxParallelism: v.optional(v.number()),
    /** The default for runs whose start and manager don't set it. Absent: driver. */
    execution: v.optional(vExecution),
    /** The different values of `maxParallelism` that managers passed, to warn about each once. */
    managerParallelism: v.optional(v.array(v.number())),
  }).index("logLevel", ["logLevel"]),

  // One row for each piece of work that continues in another transaction: the rest of a cancel, a restart, a
  // cleanup or an end, a pending call of `onComplete`, a run's deadline, or its cleanup when it
  // has been kept long enough. Inserted when it is scheduled. Read by its watchdog
  // and by `utils:recover`. Deleted by the transaction that performs it, when it is withdrawn,
  // or by the watchdog of a call of `onComplete` that crashed.
  tasks: defineTable({
    kind: vTaskKind,
    args: v.any(),
    /** Absent: now. */
    dueAt: v.optional(v.number()),
    scheduledId: v.optional(v.string()),
    checkId: v.optional(v.string()),
  }),

  // Completions that couldn't be delivered, for an operator to find. If a retry of `onComplete` succeeds, its row is
  // deleted. Nothing deletes the others.
  onCompleteFailures: defineTable(
    v.union(
      v.object({
        workId: v.optional(v.string()),
        workflowId: v.optional(v.string()),
        result: vRunResult(),
        context: v.any(),
      }),
      v.object({
        workflowId: v.id("workflows"),
        generationNumber: v.number(),
        runResult: vRunResult(),
        error: v.string(),
        /** The function to call again. Absent in rows of 0.4, where the run has it. */
        onComplete: v.optional(vOnComplete),
        /** The parts of an error that its text doesn't contain. */
        failure: v.optional(vFailure()),
      }),
    ),
  ),
});
