import { defineSchema, defineTable } from "convex/server";
import { v, type Infer, type ObjectType } from "convex/values";
import { vFailure, vRunResult } from "../shared/outcome.js";
import { vLogLevel } from "../shared/logging.js";

export const vOnComplete = v.object({
  fnHandle: v.string(),
  context: v.optional(v.any()),
});

export const vRetryBehavior = v.object({
  maxAttempts: v.number(),
  initialBackoffMs: v.number(),
  base: v.number(),
});
export type RetryBehavior = Infer<typeof vRetryBehavior>;

/** Fields that a step has whatever its kind. */
const stepFields = {
  name: v.string(),
  inProgress: v.boolean(),
  argsSize: v.number(),
  args: v.any(),
  runResult: v.optional(vRunResult),
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
};

export const vStep = v.union(
  v.object({
    // Rows of early releases have no kind.
    kind: v.optional(v.literal("function")),
    functionType: v.union(
      v.literal("query"),
      v.literal("mutation"),
      v.literal("action"),
    ),
    handle: v.string(),
    /** The pool's job that runs it. */
    workId: v.optional(v.string()),
    ...stepFields,
  }),
  v.object({
    kind: v.literal("workflow"),
    handle: v.string(),
    /** The nested run. */
    workflowId: v.optional(v.id("workflows")),
    ...stepFields,
  }),
  v.object({
    kind: v.literal("event"),
    /** The event it waits for or has consumed. */
    eventId: v.optional(v.id("events")),
    ...stepFields,
    /** As the handler asked: an id of no event is kept too, in a step that was refused. */
    args: v.object({ eventId: v.optional(v.string()) }),
  }),
  v.object({
    kind: v.literal("sleep"),
    /** The scheduled function that will end it (in rows of 0.4: a job of the pool). */
    workId: v.optional(v.string()),
    ...stepFields,
  }),
);
export type Step = Infer<typeof vStep>;

/**
 * Where a result was shown to the handler: as the `order`th of all results (from 0), when the
 * handler had issued `issued` steps. Written once, by the turn that showed it.
 */
export const vDelivery = v.object({ order: v.number(), issued: v.number() });

/**
 * Which result of a step in flight wakes its run, as seen when the handler last blocked.
 * `all`: a failure, or the last success of its group. `allSettled`: the last result of the group.
 * `any`: a success, or the last failure of the group.
 */
export const vWakes = v.union(
  v.literal("always"),
  v.literal("never"),
  v.literal("all"),
  v.literal("allSettled"),
  v.literal("any"),
);
export type Wakes = Infer<typeof vWakes>;

/**
 * A result that a turn died of, of the rejected promise that showing it leaves without a handler: when
 * that was tried last, and the rejection. It is tried again when more results have been shown.
 */
export const vHeldBack = v.object({
  generationNumber: v.number(),
  /** How many results had been shown. */
  shown: v.number(),
  error: v.string(),
});

/** A turn has died. The next shows nothing new but the first of `steps`, when `shown` results have been. */
export const vTrials = v.object({
  shown: v.number(),
  steps: v.array(v.number()),
});

/** What the engine keeps about a step beside what users see of it. All absent in rows of 0.4. */
export const stepEngineFields = {
  delivery: v.optional(vDelivery),
  /** The result is not shown yet, for others to be shown before it. */
  heldBack: v.optional(vHeldBack),
  /** Absent: always. */
  wakes: v.optional(vWakes),
  /** Steps of one group are members of one Promise combinator. */
  group: v.optional(v.number()),
  failure: v.optional(vFailure),
  /** A restart kept the step but not its execution: the next turn starts it again. */
  unstarted: v.optional(v.boolean()),
  /** The number of the driver that is to execute it. */
  drivenBy: v.optional(v.number()),
  /** The arguments could not be stored; the step failed, and replay doesn't compare them. */
  argsOmitted: v.optional(v.boolean()),
  /** It starts a run: the step's function has to be a workflow. */
  startsRun: v.optional(v.boolean()),
  retry: v.optional(vRetryBehavior),
  /** Attempts of an action that have ended in failure. */
  failedAttempts: v.optional(v.number()),
  /** When it was to be executed, if that was later than it was recorded: as asked, or after a pause. */
  dueAt: v.optional(v.number()),
  /** The last attempts that another one followed, for lists. Replay needs none of it. */
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

/** `driver`: a chain of steps in one job of the pool. `pool`: each step a job of its own. */
export const vExecution = v.union(v.literal("driver"), v.literal("pool"));
export type ExecutionMode = Infer<typeof vExecution>;

/** One execution of a step: what its completion names. */
export const vStepExecution = {
  workflowId: v.id("workflows"),
  stepNumber: v.number(),
  generationNumber: v.number(),
};
export type StepExecution = ObjectType<typeof vStepExecution>;

/** One driver of a run. */
export const vDriver = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
  driver: v.number(),
};

export const vEventState = v.union(
  v.object({ kind: v.literal("created") }),
  v.object({
    kind: v.literal("sent"),
    result: vRunResult,
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

export const vTaskKind = v.union(
  v.literal("cancel"),
  v.literal("restart"),
  v.literal("cleanUp"),
  v.literal("cleanUpNested"),
  v.literal("dropWaits"),
  v.literal("callOnComplete"),
);

export default defineSchema({
  // One row a run. Written by `create`, by the turn that ends the run, by cancel and restart; in part
  // by whatever wakes the run and the turn that answers (pendingTurn), where drivers come, go and are
  // checked (driver, drivers), and by the first change beside a driver (revision). Read by every turn
  // and every completion. Dies in cleanup, or with the last function step
  // that was in flight then.
  workflows: defineTable({
    name: v.optional(v.string()),
    workflowHandle: v.string(),
    args: v.any(),
    onComplete: v.optional(vOnComplete),
    runResult: v.optional(vRunResult),
    /** When it got its result. */
    endedAt: v.optional(v.number()),
    /** Raised by cancel and restart. Whatever was begun under a lower one changes nothing any more. */
    generationNumber: v.number(),
    // Rows of early releases carry these; nothing reads them.
    logLevel: v.optional(v.any()),
    startedAt: v.optional(v.any()),
    state: v.optional(v.any()),
    /** The replay rules that the run began under. Absent: begun by 0.4. */
    engineVersion: v.optional(v.number()),
    /** The step of the parent run that this run is. */
    parent: v.optional(v.object(vStepExecution)),
    /** The turn that is due and has not begun, or the end of a run that can't go on: a job of the pool, or
     * scheduled, with its watchdog. */
    pendingTurn: v.optional(
      v.union(
        v.object({ workId: v.string() }),
        v.object({
          scheduledId: v.string(),
          checkId: v.string(),
          /** It was scheduled by a canceled job, and so born canceled. */
          isLost: v.optional(v.boolean()),
        }),
      ),
    ),
    trials: v.optional(vTrials),
    /** How its steps are executed. Absent: as its manager or the component's config says. */
    execution: v.optional(vExecution),
    /** The driver believed to be alive: a job of the pool or a scheduled action, and its watchdog. */
    driver: v.optional(
      v.object({
        workId: v.optional(v.string()),
        scheduledId: v.optional(v.string()),
        checkId: v.string(),
        /** When it was due. */
        startedAt: v.optional(v.number()),
        /** Of the journal, when the driver was last given a copy of it. */
        revision: v.optional(v.number()),
      }),
    ),
    /** How many drivers it has had. A driver with a lower number changes nothing any more. */
    drivers: v.optional(v.number()),
    /** Raised by whatever changes the journal beside a driver, which holds a copy of it. */
    revision: v.optional(v.number()),
    /** A restart that goes on in further transactions: the first step it deletes, and from where it is done. */
    restarting: v.optional(
      v.object({ from: v.number(), doneFrom: v.optional(v.number()) }),
    ),
    /** Deleted for everyone but its function steps in flight, the last of which deletes it. */
    cleanedUp: v.optional(v.boolean()),
    // Earlier rows carry these; nothing reads them.
    maxParallelism: v.optional(v.number()),
    poolLogLevel: v.optional(vLogLevel),
  })
    // In the order of their creation, whatever became of them.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("name", ["name"])
    // Runs that are driven, in the order in which their drivers were started.
    .index("driver", ["driver.startedAt"])
    .index("result", ["runResult.kind"])
    .index("nameResult", ["name", "runResult.kind"]),

  // One row a step: the journal. Inserted by the turn in which the handler asked for it, completed
  // once by whatever ran it, stamped with its delivery by the turn that showed the result. Read by
  // every turn. Dies in cleanup, or in a restart from an earlier step; a function step in flight at cleanup
  // dies when it is done.
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
    .index("name", ["workflowId", "step.name", "stepNumber"]),

  // One row an event: created by `event.create`, by a send that nobody waited for, or by a wait
  // that came first. Dies in cleanup; and where no createEvent call made it, with the step that waits for
  // it or consumed it: in a restart that deletes that step, or when the wait times out.
  events: defineTable({
    workflowId: v.id("workflows"),
    name: v.string(),
    state: vEventState,
    /** While waiting: the waiting step's number. Waiters are served in its order. */
    waiter: v.optional(v.number()),
    /** While sent: what the error's text alone can't bring back. */
    failure: v.optional(vFailure),
    /** Inserted by a wait. A restart that deletes the wait deletes it, and so does a timeout. */
    createdByWait: v.optional(v.boolean()),
    /** Inserted by a send. A restart that deletes the step that consumed it deletes it. */
    sentByName: v.optional(v.boolean()),
  })
    .index("workflowId_state", ["workflowId", "state.kind"])
    .index("name", ["workflowId", "name", "state.kind", "waiter"]),

  // At most one row: what `utils:updateConfig` set, and what managers were warned of. Inserted when the pool
  // is first told its settings. Read by everything that logs or enqueues.
  config: defineTable({
    logLevel: v.optional(vLogLevel),
    maxParallelism: v.optional(v.number()),
    /** For runs whose start and manager don't say. Absent: driver. */
    execution: v.optional(vExecution),
    /** The different `maxParallelism` that managers have asked for, to warn of each once. */
    managerParallelism: v.optional(v.array(v.number())),
  }).index("logLevel", ["logLevel"]),

  // One row a piece of work that goes on in a transaction of its own: the rest of a cancel, a restart, a cleanup
  // or an end, or an `onComplete` that is still to be called. Inserted by whoever schedules it, read by its
  // watchdog and by `utils:recover`. Dies in the transaction that does it.
  tasks: defineTable({
    kind: vTaskKind,
    args: v.any(),
    scheduledId: v.optional(v.string()),
    checkId: v.optional(v.string()),
  }),

  // Completions that could not be delivered, for an operator to find. Nothing deletes them.
  onCompleteFailures: defineTable(
    v.union(
      v.object({
        workId: v.optional(v.string()),
        workflowId: v.optional(v.string()),
        result: vRunResult,
        context: v.any(),
      }),
      v.object({
        workflowId: v.id("workflows"),
        generationNumber: v.number(),
        runResult: vRunResult,
        error: v.string(),
      }),
    ),
  ),
});
