import type {
  ArgsAndOptions,
  FunctionReturnType,
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
} from "convex/server";
import type { PropertyValidators, Validator, Value } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import type {
  ArgsOf,
  ArgsValidators,
  InlineOptions,
  ReturnsValidator,
  ReturnValueOf,
  RetryOption,
  RunOptions,
  StepDefaults,
  WorkflowDefinition,
  WorkflowReference,
  WorkpoolOptions,
} from "./types.js";
import type { EventId, WorkflowId } from "./ids.js";

/** The references that an action's method accepts in the app's version of `convex`. */
type Ref<Method extends "runQuery" | "runMutation" | "runAction"> = Parameters<
  GenericActionCtx<GenericDataModel>[Method]
>[0];

/** The arguments of a workflow's handler. */
export type ArgsOfWorkflow<Workflow extends WorkflowReference> =
  "args" extends keyof Workflow["_args"]
    ? NonNullable<Workflow["_args"]["args"]>
    : ThisMutationIsNotAWorkflow;

interface ThisMutationIsNotAWorkflow {
  thisMutationIsNotAWorkflow: never;
}

/** The type of a workflow's `returns` validator, or `unknown` without one. */
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

/** The event to wait for: the oldest unconsumed one of a name, or the one with an id. */
export type AwaitedEvent<T, Name extends string> = (
  | { name: Name; id?: EventId<Name> | string }
  | { name?: Name; id: EventId<Name> | string }
) & {
  /** Checks the value and drops fields that it doesn't name. */
  validator?: Validator<T, "required" | "optional", string>;
  /**
   * Reject with a `TimeoutError` if no event arrives within this many milliseconds. Default: wait
   * forever.
   */
  timeout?: number;
};

/**
 * The first argument of your handler. Each call is a step. Its promise settles with the recorded
 * result, however often your handler runs.
 *
 * A failed step rejects with an Error that has the step's message. If the step threw a
 * `ConvexError`, it rejects with a `ConvexError` that has its `data`. A canceled step rejects with
 * `Canceled`. You can catch all of them.
 */
export interface WorkflowCtx {
  /** The id of this run. */
  readonly workflowId: WorkflowId;

  /**
   * As in a mutation. You get the same metadata of the workflow's function each time your handler
   * runs. Snapshots, metrics and requests differ, so use those in a step.
   */
  readonly meta: GenericMutationCtx<GenericDataModel>["meta"];

  /**
   * Runs a query. Its one result comes from one consistent read.
   *
   * @param query - A function reference, a component's function, or a function handle.
   * @param args - Its arguments, then optionally {@link RunOptions} and `inline`.
   */
  runQuery<Query extends Ref<"runQuery">>(
    query: Query,
    ...args: ArgsAndOptions<Query, RunOptions & InlineOptions>
  ): Promise<FunctionReturnType<Query>>;

  /**
   * Runs a mutation exactly once, because its writes and its recorded result commit together.
   *
   * @param mutation - A function reference, a component's function, or a function handle.
   * @param args - Its arguments, then optionally {@link RunOptions} and `inline`.
   */
  runMutation<Mutation extends Ref<"runMutation">>(
    mutation: Mutation,
    ...args: ArgsAndOptions<Mutation, RunOptions & InlineOptions>
  ): Promise<FunctionReturnType<Mutation>>;

  /**
   * Runs an action. Each attempt runs at most once. Actions get one attempt unless you pass
   * `retry`. If you do, its effects can happen more than once, so make it idempotent. Throw a
   * `NonRetryableError` in your action to stop the retries.
   *
   * @param action - A function reference, a component's function, or a function handle.
   * @param args - Its arguments, then optionally {@link RunOptions} and `retry`.
   */
  runAction<Action extends Ref<"runAction">>(
    action: Action,
    ...args: ArgsAndOptions<Action, RunOptions & RetryOption>
  ): Promise<FunctionReturnType<Action>>;

  /**
   * Runs another workflow as one step and resolves to its handler's return value. If you cancel or
   * clean up this run, the same happens to the child.
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
   * Waits, and occupies nothing meanwhile. You can sleep for months.
   *
   * @param duration - Milliseconds. A negative number counts as 0.
   * @param options.name - The step's name. Default: `sleep`.
   */
  sleep(duration: number, options?: { name?: string }): Promise<void>;

  /**
   * Waits for an event of this run and resolves to its value. You may have sent the event before.
   * Each event is consumed by one wait, and waits for one name are served in the order in which
   * they began.
   *
   * Rejects with the event's `error`, or with a `TimeoutError` after `timeout`. A timeout also
   * withdraws the wait. A wait that loses a `Promise.race` stays queued and consumes the next
   * event, so use `timeout` instead.
   */
  awaitEvent<T = unknown, Name extends string = string>(
    event: AwaitedEvent<T, Name>,
  ): Promise<T>;

  /**
   * Sets the run's progress, which `status` and `list` return. It is stored when your handler next
   * waits or ends. It isn't a step, and it is ignored on replay.
   *
   * @param value - Any Convex value of at most 4 KiB, such as `{ done: 3, total: 10 }`.
   */
  setProgress(value: Value): void;

  /**
   * Changes code under running workflows: true for runs that get to this place from now on, false for
   * runs that passed it before, which are those that have recorded another step here.
   *
   * ```ts
   * if (step.patched("notify-customer")) {
   *   await step.runMutation(internal.emails.send, { to: "ada@example.com", text: "Paid" });
   * }
   * ```
   *
   * A true answer is recorded as a step, so that every replay gives it again. Put the changed code and the code that
   * it replaces in the two branches. Once no run needs the old branch, replace the call with {@link deprecatePatch}.
   *
   * @param id - Names the change in the journal. Use a new one for each change. Calls in loops and in
   * parallel branches may share one.
   */
  patched(id: string): boolean;

  /**
   * Accepts what {@link patched} with this id recorded, and records nothing. Put it where the call was, once no run
   * needs the old branch. Remove it once all runs that called `patched` have ended.
   */
  deprecatePatch(id: string): void;

  /**
   * Returns a step context with defaults for its steps. This one doesn't change. Your later defaults
   * win over earlier ones, and a call's options win over both. `retry` applies to actions only.
   */
  withOptions(defaults: StepDefaults): WorkflowCtx;
}

/** If null is expected, a handler may return nothing. */
type HandlerResult<Value> = null extends Value ? Value | void : Value;

/** Your workflow's function. It is executed, and replayed from its beginning each turn. */
export type WorkflowHandler<
  ArgsValidator extends ArgsValidators,
  Returns extends ReturnsValidator = void,
> = (
  step: WorkflowCtx,
  args: ArgsOf<ArgsValidator>,
) => Promise<HandlerResult<ReturnValueOf<Returns>>>;

/** A workflow's definition and handler. */
export interface Workflow extends Pick<
  WorkflowDefinition,
  "returns" | "timeout" | "retention"
> {
  component: ComponentApi;
  args?: PropertyValidators;
  workpoolOptions?: WorkpoolOptions;
  handler: (step: WorkflowCtx, args: never) => Promise<unknown>;
}
