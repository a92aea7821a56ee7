import type {
  FunctionHandle,
  FunctionReference,
  FunctionVisibility,
  GenericDataModel,
  GenericMutationCtx,
  TransactionLimits,
} from "convex/server";
import type {
  Infer,
  ObjectType,
  PropertyValidators,
  Validator,
  VObject,
} from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import type { LogLevel } from "../shared/logging.js";
import type { RunResult } from "../shared/outcome.js";
import type { RetryBehavior } from "../shared/retry.js";
import type { WorkflowId } from "./ids.js";
import type { vRunningStep } from "./validators.js";

export type { RunResult, TransactionLimits };

/**
 * The workflow component as your app refers to it: `components.workflow`. It lists only the functions
 * that apps call, so code generated for 0.4 fits too.
 */
export type WorkflowComponent = {
  workflow: Pick<
    ComponentApi["workflow"],
    | "cancel"
    | "cleanup"
    | "complete"
    | "create"
    | "getStatus"
    | "list"
    | "listByName"
    | "listSteps"
    | "restart"
  >;
  journal: Pick<ComponentApi["journal"], "load" | "startSteps">;
  event: Pick<ComponentApi["event"], "create" | "send">;
};

/** A reference to a workflow, such as `internal.folder.file.workflow`. */
export type WorkflowReference = FunctionReference<
  "mutation",
  FunctionVisibility
>;

/** The ctx of a query, mutation, action or workflow handler: anything that can run queries. */
export type RunQueryCtx = {
  runQuery: <Query extends FunctionReference<"query", FunctionVisibility>>(
    query: Query,
    args: Query["_args"],
  ) => Promise<Query["_returnType"]>;
};

/** The ctx of a mutation, action or workflow handler: anything that can run mutations. */
export type RunMutationCtx = RunQueryCtx & {
  runMutation: <
    Mutation extends FunctionReference<"mutation", FunctionVisibility>,
  >(
    mutation: Mutation,
    args: Mutation["_args"],
  ) => Promise<Mutation["_returnType"]>;
};

/** How a workflow's actions are retried, unless a step has its own `retry`. */
export type WorkpoolRetryOptions = {
  /**
   * The policy of `retry: true`. Default: `{ maxAttempts: 5, initialBackoffMs: 500, base: 2 }`.
   * Each delay varies at random by up to half, and `maxBackoffMs` limits it.
   */
  defaultRetryBehavior?: RetryBehavior;
  /** Whether actions are retried if a step has no `retry`. Default: false. */
  retryActionsByDefault?: boolean;
};

/** How your workflows use the component's workpool. */
export type WorkpoolOptions = WorkpoolRetryOptions & {
  /**
   * How many jobs of the component's workpool run at a time, from 0 to 200. Default: the value of
   * `utils:updateConfig`, or 25. Pass the same value to all managers of one component.
   */
  maxParallelism?: number;
  /**
   * How steps are executed. `driver`: one driver executes a sequence of steps, one transaction
   * each. `pool`: each step is a separate job of the workpool. You can change a run from one to the
   * other at any step. Default: the value of `utils:updateConfig`, or `driver`.
   */
  execution?: "driver" | "pool";
  /** The log level of the workpool. Default: the value of `utils:updateConfig`, or `WARN`. */
  logLevel?: LogLevel;
};

/** When a step starts: at a time, or after a delay, in milliseconds. Default: now. */
export type SchedulerOptions =
  | {
      /** Milliseconds since 1970. */
      runAt?: number;
      runAfter?: never;
    }
  | {
      /** Milliseconds from the call. */
      runAfter?: number;
      runAt?: never;
    };

/** Options of every step that runs a function or a workflow. */
export type RunOptions = {
  /** The step's name, in lists, logs, errors and `restart`. Default: `folder/file:function`. */
  name?: string;
  /**
   * Don't compare the arguments with the journal on replay. Use it for arguments that differ each
   * time, such as the stack of an error. Default: false.
   */
  unstableArgs?: boolean;
} & SchedulerOptions;

/** Options of steps that can run inside the workflow's own transaction. */
export type InlineOptions = {
  /** Lowers the inline function's share of the transaction's limits. Default: everything left. */
  transactionLimits?: TransactionLimits;
} & (
  | { inline?: false }
  | {
      /**
       * Run the function as a subtransaction of the turn, without a separate job. It starts at once
       * and shares the limits of the handler's transaction. Default: false.
       */
      inline: true;
      runAt?: never;
      runAfter?: never;
    }
);

/** Option of action steps. */
export type RetryOption = {
  /**
   * Whether and how to retry a failed attempt. Default: the option of the workflow or its manager.
   */
  retry?: boolean | RetryBehavior;
};

/** Defaults for the steps of a step context: see `WorkflowCtx.withOptions`. */
export type StepDefaults = { unstableArgs?: boolean } & RetryOption;

/** The arguments of an `onComplete` mutation. */
export type OnCompleteArgs<Context = unknown, Returns = unknown> = {
  workflowId: WorkflowId;
  result: RunResult<Returns>;
  /** The `context` that you passed to `start`. */
  context: Context;
};

/**
 * A mutation that accepts `OnCompleteArgs`. It may declare its `workflowId` as a string. Its
 * reference may be a `FunctionReference_future` of convex 1.46 and later.
 */
type OnCompleteReference<Context> =
  | FunctionReference<
      "mutation",
      FunctionVisibility,
      { workflowId: string; result: RunResult; context: Context }
    >
  | {
      _type: "mutation";
      _visibility: FunctionVisibility;
      _componentPath: string | undefined;
      /** A `FunctionReference` has arguments here, so the form above applies to it. */
      _args?: undefined;
      _fn?: ((args: OnCompleteArgs<Context>, keys: any) => unknown) | undefined;
    };

/** A mutation to call when the run ends, and its context. Pass both or neither. */
export type CallbackOptions<Context = unknown> =
  | {
      /**
       * Called once, in the transaction that ends the run, however it ends. If it throws, the run
       * still ends, and the failure is stored in the component's table `onCompleteFailures`.
       */
      onComplete: OnCompleteReference<Context>;
      context: Context;
    }
  | { onComplete?: undefined; context?: undefined };

/**
 * How long a run and its steps are kept after it ended, in milliseconds, for each kind of end. Then it is cleaned up. If
 * absent, it is kept until you call `cleanup`. A child is kept as long as its parent.
 */
export type Retention = {
  completed?: number;
  failed?: number;
  canceled?: number;
};

/** Options of a run, for every way to start it. */
export type RunStartOptions = {
  /**
   * How many milliseconds the run may take. After that it fails, its steps and children are canceled, and `onComplete`
   * is called with `failed`. The time starts when the first turn is due, and again with each restart.
   * Default: the definition's, or forever.
   */
  timeout?: number;
  /** Default: the definition's or the manager's, for each kind of end. */
  retention?: Retention;
  /**
   * At most one run of the workflow that is in progress has this key: see `ifRunning`. Up to 1,024 characters.
   */
  key?: string;
  /**
   * If a run with the same key is in progress, `return` returns its id instead of starting another, `throw` throws an
   * error with the code `WORKFLOW_RUNNING`, and `replace` cancels it first. Default: `return`.
   *
   * A run has its key until it ends. A handler that starts a run with its own run's key gets its own id, and can't
   * replace itself. To hand over to a successor, start it in `onComplete`, where the key is free.
   */
  ifRunning?: "return" | "throw" | "replace";
} & SchedulerOptions;

/** Options of `start`. */
export type StartOptions<Context = unknown> = CallbackOptions<Context> &
  RunStartOptions & {
    /** Schedule the first turn instead of running it in this transaction. Default: false. */
    startAsync?: boolean;
    /**
     * How this run's steps are executed: see `WorkpoolOptions.execution`. Later changes of the
     * manager or the component don't affect it. Default: their option at each step.
     */
    execution?: "driver" | "pool";
  };

/** How a definition declares its arguments: `{ a: v.string() }` or `v.object({ a: v.string() })`. */
export type ArgsValidators = PropertyValidators | VObject<any, any>;

/** The arguments that a handler receives. */
export type ArgsOf<Args extends ArgsValidators> =
  Args extends PropertyValidators
    ? ObjectType<Args>
    : Args extends VObject<infer Type, any>
      ? Type
      : never;

/** The arguments of a workflow's mutation if you call it directly. */
export type WorkflowArgs<
  ArgsValidator extends ArgsValidators,
  Context = unknown,
> = {
  args: ArgsOf<ArgsValidator>;
  startAsync?: boolean;
  execution?: "driver" | "pool";
} & RunStartOptions &
  (
    | {
        onComplete: FunctionHandle<"mutation", OnCompleteArgs<Context>>;
        context: Context;
      }
    | { onComplete?: undefined; context?: undefined }
  );

/**
 * The return value of a workflow's mutation. A call that starts a run returns its id. The other
 * form carries the handler's return type.
 */
export type WorkflowMutationResult<Returns = unknown> =
  WorkflowId | { kind: "complete"; runResult: RunResult<Returns> };

export type ReturnsValidator = Validator<unknown, "required", string> | void;

/** The type of a `returns` validator, or `unknown` without one. */
export type ReturnValueOf<Returns extends ReturnsValidator> =
  Returns extends Validator<unknown, "required", string>
    ? Infer<Returns>
    : unknown;

/** The definition of a workflow, without its handler. */
export type WorkflowDefinition<
  ArgsValidator extends ArgsValidators = PropertyValidators,
  Returns extends ReturnsValidator = any,
> = {
  /** Validators of the arguments. Without them, all arguments are accepted. */
  args?: ArgsValidator;
  /** Validator of the return value. If the handler returns another value, the run fails. */
  returns?: Returns;
  /** How many milliseconds a run or a child may take, unless you pass `timeout` to `start`. */
  timeout?: number;
  /** How long ended runs are kept. Takes precedence over the manager's, for each kind of end. */
  retention?: Retention;
  /** Defaults for the workflow's actions. They take precedence over the manager's. */
  workpoolOptions?: WorkpoolRetryOptions & Pick<WorkpoolOptions, "execution">;
};

/** A step that is in flight. */
export type RunningStep = Infer<typeof vRunningStep>;

/** The status of a run. `progress` is the last value of `step.setProgress`. */
export type WorkflowStatus<Returns = unknown> =
  | { type: "inProgress"; running: RunningStep[]; progress?: any }
  | { type: "completed"; result: Returns; progress?: any }
  | { type: "canceled"; progress?: any }
  | { type: "failed"; error: string; progress?: any };

/** The state of a run, as in {@link WorkflowStatus}. */
export type RunStatus = WorkflowStatus["type"];

/** A run, as `list` returns it. `runResult` is absent while it is in progress. */
export type PublicWorkflow = {
  workflowId: WorkflowId;
  name?: string;
  args: any;
  context?: any;
  runResult?: RunResult;
  status: RunStatus;
  startedAt: number;
  /** Absent while the run is in progress, and for a run that ended under 0.4. */
  endedAt?: number;
  /** The first line of the error of a failed run. */
  error?: string;
  /** The last value of `step.setProgress`. */
  progress?: any;
  /** The parent's step that runs this child. Absent if it was started under 0.4. */
  parent?: { workflowId: WorkflowId; stepNumber: number };
  /** Up to three of the steps in flight of a run in progress, oldest first. */
  blockedOn: {
    stepNumber: number;
    name: string;
    kind: "function" | "workflow" | "event" | "sleep";
  }[];
};

/** Selects runs. If you leave out a field, it matches all runs. */
export type RunFilter = {
  status?: RunStatus;
  /** The workflow, as `folder/file:function` or by its reference. */
  name?: string | WorkflowReference;
  /** Only runs that were started at this time or later, in milliseconds since 1970. */
  since?: number;
  /** Only runs that were started before this time. */
  until?: number;
};

/** The number of runs with each status, exact up to 1,000, and `"1000+"` beyond. */
export type RunCounts = Record<RunStatus, number | `${number}+`>;

/** The ctx of an app's mutation. A workflow's mutation is one too. */
export type AppMutationCtx = GenericMutationCtx<GenericDataModel>;
