import {
  internalMutationGeneric,
  type GenericDataModel,
  type RegisteredMutation,
} from "convex/server";
import type { Infer, PropertyValidators, Validator, VAny } from "convex/values";
import type { ArgsOfWorkflow, WorkflowHandler } from "./context.js";
import {
  checkDefaults,
  registerWorkflow,
  type WorkflowBuilder,
} from "./define.js";
import { mergedRetention } from "./startOptions.js";
import {
  defineConsole,
  type ConsoleFunctions,
  type ConsoleOptions,
} from "./console.js";
import { createEvent, sendEvent, type SentEvent } from "./events.js";
import * as management from "./management.js";
import * as reading from "./reading.js";
import { startBy } from "./start.js";
import { checkOptions } from "./options.js";
import { vOnCompleteArgs, type OnCompleteDefinition } from "./onComplete.js";
import type {
  ArgsValidators,
  OnCompleteArgs,
  Retention,
  ReturnsValidator,
  ReturnValueOf,
  RunMutationCtx,
  StartOptions,
  WorkflowArgs,
  WorkflowComponent,
  WorkflowDefinition,
  WorkflowMutationResult,
  WorkpoolOptions,
  WorkflowReference,
} from "./types.js";
import type { EventId, WorkflowId } from "./ids.js";

/**
 * Binds a component and the options that your workflows share:
 *
 * ```ts
 * export const workflow = new WorkflowManager(components.workflow, {
 *   workpoolOptions: { maxParallelism: 50 },
 * });
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WorkflowManager {
  /**
   * @param component - `components.workflow`.
   * @param options.workpoolOptions - How your workflows use the workpool and retry actions.
   * @param options.retention - How long ended runs are kept. Default: until you clean them up.
   */
  constructor(
    public component: WorkflowComponent,
    public options: {
      workpoolOptions?: WorkpoolOptions;
      retention?: Retention;
    } = {},
  ) {
    checkOptions("WorkflowManager", options);
    checkDefaults("WorkflowManager", component, options);
  }

  /**
   * Defines a workflow. Export the result from a module of your app. Pass the handler here, or to
   * the `handler` method of the result. See `defineWorkflow`.
   */
  define<
    ArgsValidator extends ArgsValidators = PropertyValidators,
    Returns extends ReturnsValidator = void,
  >(
    definition: WorkflowDefinition<ArgsValidator, Returns> & {
      handler: WorkflowHandler<ArgsValidator, Returns>;
    },
  ): RegisteredMutation<
    "internal",
    WorkflowArgs<ArgsValidator>,
    WorkflowMutationResult<ReturnValueOf<Returns>>
  >;
  define<
    ArgsValidator extends ArgsValidators = PropertyValidators,
    Returns extends ReturnsValidator = void,
  >(
    definition: WorkflowDefinition<ArgsValidator, Returns>,
  ): WorkflowBuilder<ArgsValidator, Returns>;
  define({ handler, ...definition }: AnyDefinition): unknown {
    const { component, options } = this;
    const { workpoolOptions, retention } = definition;
    const register = (handler: WorkflowHandler<any, any>) =>
      registerWorkflow(
        component,
        {
          ...definition,
          retention: mergedRetention(options.retention, retention),
          workpoolOptions: { ...options.workpoolOptions, ...workpoolOptions },
        },
        handler,
      );
    return handler ? register(handler) : { handler: register };
  }

  /**
   * Defines a mutation to pass to `start` as `onComplete`. Export the result from a module of your
   * app:
   *
   * ```ts
   * export const ended = workflow.defineOnComplete({
   *   context: v.object({ order: v.string() }),
   *   handler: async (ctx, { workflowId, result, context }) => {
   *     console.log(`${context.order} (${workflowId}): ${result.kind}`);
   *   },
   * });
   * ```
   *
   * With a type argument, `defineOnComplete<DataModel>`, `ctx.db` has the types of your tables, and
   * `context` is `any`. To have both, use `vOnCompleteArgs` with your own `internalMutation`.
   */
  defineOnComplete<
    DataModel extends GenericDataModel,
    Context extends Validator<any, "required", any> = VAny,
    ReturnValue extends Validator<any, "required", any> = VAny,
  >(
    definition: OnCompleteDefinition<DataModel, Context, ReturnValue>,
  ): RegisteredMutation<
    "internal",
    OnCompleteArgs<Infer<Context>, Infer<ReturnValue>>,
    null
  > {
    checkOptions("defineOnComplete", definition);
    const { context, returnValue, handler } = definition;
    if (typeof handler !== "function")
      throw new Error(
        `Invalid definition of an onComplete: its handler is ${String(handler)}. Expected an async function (ctx, args) => ….`,
      );
    return internalMutationGeneric({
      args: vOnCompleteArgs(context, returnValue),
      handler: handler as never,
    });
  }

  /**
   * Defines the functions of the console, for `WorkflowConsole` of `@convex-dev/workflow/react`. Export them from a
   * module of your app. They are public, so `authorize` has to decide who may see and change runs:
   *
   * ```ts
   * export const { listRuns, getRun, listSteps, stats, cancel, restart, cleanup, sendEvent } =
   *   workflow.console({
   *     authorize: async (ctx) =>
   *       (await ctx.auth.getUserIdentity())?.role === "admin",
   *   });
   * ```
   */
  console<DataModel extends GenericDataModel = GenericDataModel>(
    options: ConsoleOptions<DataModel>,
  ): ConsoleFunctions {
    return defineConsole(this.component, options);
  }

  /** Starts a run: see the function `start`. */
  async start<
    Context = unknown,
    Workflow extends WorkflowReference = WorkflowReference,
  >(
    ctx: RunMutationCtx,
    workflow: Workflow,
    args: ArgsOfWorkflow<Workflow>,
    options?: StartOptions<Context>,
  ): Promise<WorkflowId> {
    return await startBy(this, ctx, workflow, args, options);
  }
}

type AnyDefinition = WorkflowDefinition & {
  handler?: WorkflowHandler<any, any>;
};

// Methods, so that a class that extends this one can override them.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface WorkflowManager {
  /** Returns the status of a run: see {@link reading.getStatus | getStatus}. */
  status(...args: Args<"getStatus">): Result<"getStatus">;
  /** Stops a run: see {@link management.cancel | cancel}. */
  cancel(...args: Args<"cancel">): Result<"cancel">;
  /** Continues or repeats a finished run: see {@link management.restart | restart}. */
  restart(...args: Args<"restart">): Result<"restart">;
  /** Deletes a finished run: see {@link management.cleanup | cleanup}. */
  cleanup(...args: Args<"cleanup">): Result<"cleanup">;
  /** Resumes runs that nothing will wake: see {@link management.recover | recover}. */
  recover(...args: Args<"recover">): Result<"recover">;
  /** Finds the run in progress that has a key: see {@link reading.findByKey | findByKey}. */
  findByKey(...args: Args<"findByKey">): Result<"findByKey">;
  /** Lists runs: see {@link reading.list | list}. */
  list(...args: Args<"list">): Result<"list">;
  /** Lists the runs of one workflow: see {@link reading.listByName | listByName}. */
  listByName(...args: Args<"listByName">): Result<"listByName">;
  /** Counts runs by status: see {@link reading.counts | counts}. */
  counts(...args: Args<"counts">): Result<"counts">;
  /** Lists the steps of a run: see {@link reading.listSteps | listSteps}. */
  listSteps(...args: Args<"listSteps">): Result<"listSteps">;
  /** Lists runs without their values: see {@link reading.listSummaries | listSummaries}. */
  listSummaries(...args: Args<"listSummaries">): Result<"listSummaries">;
  /** Lists the names of the workflows that have runs: see {@link reading.listNames | listNames}. */
  listNames(...args: Args<"listNames">): Result<"listNames">;
  /** Returns everything about a run: see {@link reading.getRun | getRun}. */
  getRun(...args: Args<"getRun">): Result<"getRun">;
  /** Lists the steps of a run without their values: see {@link reading.listStepSummaries | listStepSummaries}. */
  listStepSummaries(
    ...args: Args<"listStepSummaries">
  ): Result<"listStepSummaries">;
  /** Returns one step: see {@link reading.getStep | getStep}. */
  getStep(...args: Args<"getStep">): Result<"getStep">;
  /** Exports a run's journal: see {@link reading.exportHistory | exportHistory}. */
  exportHistory(...args: Args<"exportHistory">): Result<"exportHistory">;
  /** Lists the events of a run: see {@link reading.listEvents | listEvents}. */
  listEvents(...args: Args<"listEvents">): Result<"listEvents">;
  /** Lists failed calls of `onComplete`: see {@link reading.listOnCompleteFailures | listOnCompleteFailures}. */
  listOnCompleteFailures(
    ...args: Args<"listOnCompleteFailures">
  ): Result<"listOnCompleteFailures">;
  /** Calls an `onComplete` that failed again: see {@link management.retryOnComplete | retryOnComplete}. */
  retryOnComplete(...args: Args<"retryOnComplete">): Result<"retryOnComplete">;
  /** Cancels runs in progress: see {@link management.cancelMany | cancelMany}. */
  cancelMany(...args: Args<"cancelMany">): Result<"cancelMany">;
  /** Restarts finished runs: see {@link management.restartMany | restartMany}. */
  restartMany(...args: Args<"restartMany">): Result<"restartMany">;
  /** Cleans up finished runs: see {@link management.cleanupMany | cleanupMany}. */
  cleanupMany(...args: Args<"cleanupMany">): Result<"cleanupMany">;
  /** Creates an event to await or send by its id: see {@link createEvent}. */
  createEvent<Name extends string>(
    ctx: RunMutationCtx,
    event: { name: Name; workflowId: string },
  ): Promise<EventId<Name>>;
  /** Sends an event: see {@link sendEvent}. */
  sendEvent<T = unknown, Name extends string = string>(
    ctx: RunMutationCtx,
    event: SentEvent<T, Name>,
  ): Promise<EventId<Name>>;
}

type Functions = typeof management & typeof reading;

/** The parameters of a function that takes a component, without the component. */
type Args<Name extends keyof Functions> = Functions[Name] extends (
  ctx: infer Ctx,
  component: WorkflowComponent,
  ...rest: infer Rest
) => unknown
  ? [ctx: Ctx, ...rest: Rest]
  : never;

type Result<Name extends keyof Functions> = ReturnType<Functions[Name]>;

const { getStatus: status, ...others } = reading;

/** The functions that a manager calls with its component. */
const FUNCTIONS = {
  ...management,
  ...others,
  status,
  createEvent,
  sendEvent,
} satisfies Record<
  Exclude<
    keyof WorkflowManager,
    | "component"
    | "options"
    | "define"
    | "defineOnComplete"
    | "console"
    | "start"
  >,
  unknown
>;

type Run = (...args: any[]) => Promise<unknown>;

for (const [name, run] of Object.entries<Run>(FUNCTIONS))
  Object.defineProperty(WorkflowManager.prototype, name, {
    async value(this: WorkflowManager, ctx: unknown, ...rest: unknown[]) {
      return await run(ctx, this.component, ...rest);
    },
    configurable: true,
    writable: true,
  });
