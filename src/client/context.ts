import type {
  ArgsAndOptions,
  FunctionReference,
  FunctionReturnType,
  FunctionVisibility,
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
} from "convex/server";
import type { Validator } from "convex/values";
import type {
  ArgsOf,
  ArgsValidators,
  InlineOptions,
  ReturnsValidator,
  ReturnValueOf,
  RetryOption,
  RunOptions,
  StepDefaults,
} from "./types.js";
import type { EventId, WorkflowId } from "./validators.js";

/** What an action can run by a method, by whichever version of Convex the app has. */
type Ref<Method extends "runQuery" | "runMutation" | "runAction"> = Parameters<
  GenericActionCtx<GenericDataModel>[Method]
>[0];

/** A reference to a workflow, as `internal.folder.file.workflow`. */
export type WorkflowReference = FunctionReference<
  "mutation",
  FunctionVisibility
>;

/** The arguments that a workflow's handler takes. */
export type ArgsOfWorkflow<Workflow extends WorkflowReference> =
  "args" extends keyof Workflow["_args"]
    ? NonNullable<Workflow["_args"]["args"]>
    : ThisMutationIsNotAWorkflow;

interface ThisMutationIsNotAWorkflow {
  thisMutationIsNotAWorkflow: never;
}

/** What a workflow's handler returns: `unknown` where it has no `returns` validator. */
export type ReturnOfWorkflow<Workflow extends WorkflowReference> =
  CompletedValue<
    Extract<Workflow["_returnType"], { kind: "complete" }>["runResult"]
  >;
type CompletedValue<Result> = Result extends {
  kind: "success";
  returnValue: infer Value;
}
  ? unknown extends Value
    ? unknown
    : Value
  : never;

/** Which event to wait for: the oldest unconsumed one of a name, or one by its id. */
export type AwaitedEvent<T, Name extends string> = (
  { name: Name; id?: EventId<Name> } | { name?: Name; id: EventId<Name> }
) & {
  /** Checks the value that was sent, and drops the fields that it doesn't name. */
  validator?: Validator<T, "required" | "optional", string>;
  /** Reject with a `TimeoutError` when nothing came in this many milliseconds. Default: wait for ever. */
  timeout?: number;
};

/**
 * What a workflow's handler does its work with. Each call is a step: it is recorded, runs once
 * although the handler is executed many times, and its promise settles with the recorded result.
 *
 * A failed step rejects with an Error of the step's message (a `ConvexError` with its `data` if it
 * threw one), a canceled one with `Canceled`. Both can be caught.
 */
export interface WorkflowCtx {
  /** The id of this run. */
  readonly workflowId: WorkflowId;

  /**
   * As in a mutation. The metadata of the workflow's own function is the same each time the handler
   * runs. Snapshots, metrics and requests differ, so use those in a step.
   */
  readonly meta: GenericMutationCtx<GenericDataModel>["meta"];

  /**
   * Runs a query. Exactly one result is recorded, of one consistent read.
   *
   * @param query - A function reference, a component's function, or a function handle.
   * @param args - Its arguments, then optionally {@link RunOptions} and `inline`.
   */
  runQuery<Query extends Ref<"runQuery">>(
    query: Query,
    ...args: ArgsAndOptions<Query, RunOptions & InlineOptions>
  ): Promise<FunctionReturnType<Query>>;

  /**
   * Runs a mutation, exactly once: its writes and its recorded result commit together.
   *
   * @param mutation - A function reference, a component's function, or a function handle.
   * @param args - Its arguments, then optionally {@link RunOptions} and `inline`.
   */
  runMutation<Mutation extends Ref<"runMutation">>(
    mutation: Mutation,
    ...args: ArgsAndOptions<Mutation, RunOptions & InlineOptions>
  ): Promise<FunctionReturnType<Mutation>>;

  /**
   * Runs an action, at most once an attempt. With `retry` a failed attempt is followed by another,
   * so its effects may happen more than once: make them idempotent. `NonRetryableError` ends it.
   *
   * @param action - A function reference, a component's function, or a function handle.
   * @param args - Its arguments, then optionally {@link RunOptions} and `retry`.
   */
  runAction<Action extends Ref<"runAction">>(
    action: Action,
    ...args: ArgsAndOptions<Action, RunOptions & RetryOption>
  ): Promise<FunctionReturnType<Action>>;

  /**
   * Runs another workflow as one step and resolves to what its handler returns. The nested run is
   * canceled and cleaned up with this one.
   *
   * @param workflow - The workflow's function reference.
   * @param args - The arguments of its handler.
   */
  runWorkflow<Workflow extends WorkflowReference>(
    workflow: Workflow,
    args: ArgsOfWorkflow<Workflow>,
    options?: RunOptions,
  ): Promise<ReturnOfWorkflow<Workflow>>;

  /**
   * Waits. Holds nothing while it does: a sleep of months is fine.
   *
   * @param duration - Milliseconds. Negative is 0.
   * @param options.name - The step's name. Default: `sleep`.
   */
  sleep(duration: number, options?: { name?: string }): Promise<void>;

  /**
   * Waits for an event that `sendEvent` sends to this run, before or after it is awaited, and
   * resolves to its value. Every event is consumed by one call; calls of one name are served in the
   * order in which they were made. Rejects with the event's `error`; with a `TimeoutError` after
   * `timeout`, which also takes this call out of the line. (A call that lost a `Promise.race`
   * stays in line, and takes the next event: use `timeout`.)
   */
  awaitEvent<T = unknown, Name extends string = string>(
    event: AwaitedEvent<T, Name>,
  ): Promise<T>;

  /**
   * A ctx with defaults for the steps called on it; this one stays as it is. Defaults given later win
   * over earlier ones, and a call's own options over both. `retry` is for actions only.
   */
  withOptions(defaults: StepDefaults): WorkflowCtx;
}

/** What a handler may return: where null is expected, nothing. */
type HandlerResult<Value> = null extends Value ? Value | void : Value;

/** The function that a workflow executes, and replays. */
export type WorkflowHandler<
  ArgsValidator extends ArgsValidators,
  Returns extends ReturnsValidator = void,
> = (
  step: WorkflowCtx,
  args: ArgsOf<ArgsValidator>,
) => Promise<HandlerResult<ReturnValueOf<Returns>>>;
