import type { RetryBehavior, WorkId } from "@convex-dev/workpool";
import type {
  FunctionHandle,
  FunctionReference,
  FunctionVisibility,
  GenericDataModel,
  GenericMutationCtx,
  GenericQueryCtx,
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
import type { RunResult, vRunResult } from "../shared/outcome.js";
import type { EventId, WorkflowId } from "./validators.js";

export type { RunResult, TransactionLimits };

/**
 * The workflow component as an app refers to it: `components.workflow`. Only the functions that apps
 * call, so that code generated for 0.4 fits too.
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

/** A query's, mutation's, action's or workflow handler's ctx: whatever can run queries. */
export type RunQueryCtx = {
  runQuery: <Query extends FunctionReference<"query", FunctionVisibility>>(
    query: Query,
    args: Query["_args"],
  ) => Promise<Query["_returnType"]>;
};

/** A mutation's, action's or workflow handler's ctx: whatever can run mutations. */
export type RunMutationCtx = RunQueryCtx & {
  runMutation: <
    Mutation extends FunctionReference<"mutation", FunctionVisibility>,
  >(
    mutation: Mutation,
    args: Mutation["_args"],
  ) => Promise<Mutation["_returnType"]>;
};

/** How a workflow's actions are retried, unless a step says otherwise. */
export type WorkpoolRetryOptions = {
  /**
   * The policy of `retry: true`. Default: `{ maxAttempts: 5, initialBackoffMs: 500, base: 2 }`,
   * each delay varied at random by half of itself.
   */
  defaultRetryBehavior?: RetryBehavior;
  /** Whether actions are retried when a step doesn't say. Default: false. */
  retryActionsByDefault?: boolean;
};

/** How workflows use the component's pool. */
export type WorkpoolOptions = WorkpoolRetryOptions & {
  /**
   * How many steps of all workflows of this component run at a time. Default: what
   * `utils:updateConfig` stored, else 25. Managers of one component should agree on it.
   */
  maxParallelism?: number;
  /**
   * How steps are executed. `driver`: a chain of steps in one job of the pool, one transaction a
   * step. `pool`: each step as a job of its own. Runs may change between the two at any step.
   * Default: what `utils:updateConfig` stored, else `driver`.
   */
  execution?: "driver" | "pool";
  /** What the pool logs. Default: what `utils:updateConfig` stored, else `WARN`. */
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
      /** Milliseconds from when the step is asked for. */
      runAfter?: number;
      runAt?: never;
    };

/** Options of every step that runs a function or a workflow. */
export type RunOptions = {
  /** The step's name, in lists, logs, errors and `restart`. Default: `folder/file:function`. */
  name?: string;
  /**
   * On replay, don't compare the arguments with the journal's. For arguments that differ each time,
   * such as an error's stack. Default: false.
   */
  unstableArgs?: boolean;
} & SchedulerOptions;

/** Options of steps that can run inside the workflow's own transaction. */
export type InlineOptions = {
  /** How much of the transaction an inline function may use. Default: all that is left. */
  transactionLimits?: TransactionLimits;
} & (
  | { inline?: false }
  | {
      /**
       * Run the function as a subtransaction of the turn, without a job of its own. It starts at once
       * and shares the limits of one transaction with the handler. Default: false.
       */
      inline: true;
      runAt?: never;
      runAfter?: never;
    }
);

/** Option of action steps. */
export type RetryOption = {
  /** Whether and how to retry a failed attempt. Default: as the workflow or its manager says. */
  retry?: boolean | RetryBehavior;
};

/** Defaults for the steps called on a ctx: see `WorkflowCtx.withOptions`. */
export type StepDefaults = { unstableArgs?: boolean } & RetryOption;

/** What an `onComplete` mutation is called with. */
export type OnCompleteArgs<Context = unknown, Returns = unknown> = {
  workflowId: WorkflowId;
  result: RunResult<Returns>;
  /** What was given as `context` when the run was started. */
  context: Context;
};

/**
 * A mutation that can be called with an `OnCompleteArgs`. It may declare its `workflowId` as a
 * string, and its reference may be a `FunctionReference_future` of convex 1.46 and later.
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
      /** A `FunctionReference` has arguments here, which decide. */
      _args?: undefined;
      _fn?: ((args: OnCompleteArgs<Context>, keys: any) => unknown) | undefined;
    };

/** A mutation to call when the run ends, and what to tell it: both or neither. */
export type CallbackOptions<Context = unknown> =
  | {
      /**
       * Called once, in the transaction that ends the run, however it ends: success, failure or
       * cancellation. If it throws, the run ends all the same, and the failure is kept in the
       * component's table `onCompleteFailures`.
       */
      onComplete: OnCompleteReference<Context>;
      context: Context;
    }
  | { onComplete?: undefined; context?: undefined };

/** How a run is started, and what is to happen when it ends. */
export type StartOptions<Context = unknown> = CallbackOptions<Context> & {
  /**
   * Enqueue the first part of the handler, instead of running it in this transaction. Default: false.
   */
  startAsync?: boolean;
  /**
   * How this run's steps are executed: see `WorkpoolOptions.execution`. A switch of the manager or of
   * the component does not reach it. Default: as they say, at each step.
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

/** What a workflow's mutation is called with, to start a run directly. */
export type WorkflowArgs<
  ArgsValidator extends ArgsValidators,
  Context = unknown,
> = {
  args: ArgsOf<ArgsValidator>;
  startAsync?: boolean;
  execution?: "driver" | "pool";
} & (
  | {
      onComplete: FunctionHandle<"mutation", OnCompleteArgs<Context>>;
      context: Context;
    }
  | { onComplete?: undefined; context?: undefined }
);

/**
 * What a workflow's mutation returns: to whoever starts a run, its id. The other form carries the
 * type that the workflow's handler returns.
 */
export type WorkflowMutationResult<Returns = unknown> =
  WorkflowId | { kind: "complete"; runResult: RunResult<Returns> };

export type ReturnsValidator = Validator<unknown, "required", string> | void;

/** What a handler of this `returns` validator returns: anything, without one. */
export type ReturnValueOf<Returns extends ReturnsValidator> =
  Returns extends Validator<unknown, "required", string>
    ? Infer<Returns>
    : unknown;

/** What is said of a workflow beside its handler. */
export type WorkflowDefinition<
  ArgsValidator extends ArgsValidators = PropertyValidators,
  Returns extends ReturnsValidator = any,
> = {
  /** Validators of the arguments. Without them, any are accepted. */
  args?: ArgsValidator;
  /** Validator of the return value. A run whose handler returns anything else fails. */
  returns?: Returns;
  /** Defaults for the workflow's actions; they win over the manager's. */
  workpoolOptions?: WorkpoolRetryOptions & Pick<WorkpoolOptions, "execution">;
};

/** A step that is in flight. */
export type RunningStep = {
  name: string;
  args: any;
  startedAt: number;
  /** Absent while the step is in flight, as is `completedAt`. */
  runResult?: Infer<typeof vRunResult>;
  completedAt?: number;
  inProgress: boolean;
  argsSize: number;
} & (
  | {
      /** Always present. Optional, because apps written for 0.4 may ask. */
      kind?: "function";
      functionType: "query" | "mutation" | "action";
      handle: string;
      workId?: WorkId;
    }
  | {
      kind: "workflow";
      handle: string;
      /** The nested run. */
      workflowId?: WorkflowId;
    }
  | { kind: "event"; eventId?: EventId }
  | { kind: "sleep"; workId?: WorkId }
);

/** Where a run stands. */
export type WorkflowStatus<Returns = unknown> =
  | { type: "inProgress"; running: RunningStep[] }
  | { type: "completed"; result: Returns }
  | { type: "canceled" }
  | { type: "failed"; error: string };

/** A run, as `list` returns it. `runResult` is absent while it is in progress. */
export type PublicWorkflow = {
  workflowId: WorkflowId;
  name?: string;
  args: any;
  context?: any;
  runResult?: RunResult;
};

/** The ctx of an app's mutation, of which a workflow's mutation is one. */
export type AppMutationCtx = GenericMutationCtx<GenericDataModel>;
export type AppQueryCtx = GenericQueryCtx<GenericDataModel>;
