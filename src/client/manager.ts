import type { GenericDataModel, RegisteredMutation } from "convex/server";
import type { Infer, PropertyValidators, Validator, VAny } from "convex/values";
import type { ArgsOfWorkflow, WorkflowHandler } from "./context.js";
import { checkDefaults, registerWorkflow } from "./define.js";
import { mergedRetention } from "./startOptions.js";
import {
  defineConsole,
  type ConsoleFunctions,
  type ConsoleOptions,
} from "./console.js";
import { createEvent, sendEvent, type SentEvent } from "./events.js";
import {
  cancel,
  cancelMany,
  cleanup,
  cleanupMany,
  recover,
  restart,
  restartMany,
  retryOnComplete,
} from "./management.js";
import {
  counts,
  exportHistory,
  findByKey,
  getRun,
  getStatus,
  getStep,
  list,
  listByName,
  listEvents,
  listNames,
  listOnCompleteFailures,
  listSteps,
  listStepSummaries,
  listSummaries,
} from "./reading.js";
import { startBy } from "./start.js";
import { checkOptions } from "./options.js";
import { defineOnComplete, type OnCompleteDefinition } from "./onComplete.js";
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
}

// Methods, so that a class that extends this one can override them.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface WorkflowManager {
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
  ): {
    handler: (
      handler: WorkflowHandler<ArgsValidator, Returns>,
    ) => RegisteredMutation<
      "internal",
      WorkflowArgs<ArgsValidator>,
      WorkflowMutationResult<ReturnValueOf<Returns>>
    >;
  };

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
  >;

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
  ): ConsoleFunctions;

  /** Starts a run: see {@link start}. */
  start<
    Context = unknown,
    Workflow extends WorkflowReference = WorkflowReference,
  >(
    ctx: RunMutationCtx,
    workflow: Workflow,
    args: ArgsOfWorkflow<Workflow>,
    options?: StartOptions<Context>,
  ): Promise<WorkflowId>;

  /** Returns the status of a run: see {@link getStatus}. */
  status(...args: Bound<typeof getStatus>): ReturnType<typeof getStatus>;
  /** Stops a run: see {@link cancel}. */
  cancel(...args: Bound<typeof cancel>): ReturnType<typeof cancel>;
  /** Continues or repeats a finished run: see {@link restart}. */
  restart(...args: Bound<typeof restart>): ReturnType<typeof restart>;
  /** Deletes a finished run: see {@link cleanup}. */
  cleanup(...args: Bound<typeof cleanup>): ReturnType<typeof cleanup>;
  /** Resumes runs that nothing will wake: see {@link recover}. */
  recover(...args: Bound<typeof recover>): ReturnType<typeof recover>;
  /** Finds the run in progress that has a key: see {@link findByKey}. */
  findByKey(...args: Bound<typeof findByKey>): ReturnType<typeof findByKey>;
  /** Lists runs: see {@link list}. */
  list(...args: Bound<typeof list>): ReturnType<typeof list>;
  /** Lists the runs of one workflow: see {@link listByName}. */
  listByName(...args: Bound<typeof listByName>): ReturnType<typeof listByName>;
  /** Counts runs by status: see {@link counts}. */
  counts(...args: Bound<typeof counts>): ReturnType<typeof counts>;
  /** Lists the steps of a run: see {@link listSteps}. */
  listSteps(...args: Bound<typeof listSteps>): ReturnType<typeof listSteps>;
  /** Lists runs without their values: see {@link listSummaries}. */
  listSummaries(
    ...args: Bound<typeof listSummaries>
  ): ReturnType<typeof listSummaries>;
  /** Lists the names of the workflows that have runs: see {@link listNames}. */
  listNames(...args: Bound<typeof listNames>): ReturnType<typeof listNames>;
  /** Returns everything about a run: see {@link getRun}. */
  getRun(...args: Bound<typeof getRun>): ReturnType<typeof getRun>;
  /** Lists the steps of a run without their values: see {@link listStepSummaries}. */
  listStepSummaries(
    ...args: Bound<typeof listStepSummaries>
  ): ReturnType<typeof listStepSummaries>;
  /** Returns one step: see {@link getStep}. */
  getStep(...args: Bound<typeof getStep>): ReturnType<typeof getStep>;
  /** Exports a run's journal: see {@link exportHistory}. */
  exportHistory(
    ...args: Bound<typeof exportHistory>
  ): ReturnType<typeof exportHistory>;
  /** Lists the events of a run: see {@link listEvents}. */
  listEvents(...args: Bound<typeof listEvents>): ReturnType<typeof listEvents>;
  /** Lists failed calls of `onComplete`: see {@link listOnCompleteFailures}. */
  listOnCompleteFailures(
    ...args: Bound<typeof listOnCompleteFailures>
  ): ReturnType<typeof listOnCompleteFailures>;
  /** Calls an `onComplete` that failed again: see {@link retryOnComplete}. */
  retryOnComplete(
    ...args: Bound<typeof retryOnComplete>
  ): ReturnType<typeof retryOnComplete>;
  /** Cancels runs in progress: see {@link cancelMany}. */
  cancelMany(...args: Bound<typeof cancelMany>): ReturnType<typeof cancelMany>;
  /** Restarts finished runs: see {@link restartMany}. */
  restartMany(
    ...args: Bound<typeof restartMany>
  ): ReturnType<typeof restartMany>;
  /** Cleans up finished runs: see {@link cleanupMany}. */
  cleanupMany(
    ...args: Bound<typeof cleanupMany>
  ): ReturnType<typeof cleanupMany>;
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

type Method = (this: WorkflowManager, ...args: any[]) => unknown;

const METHODS: Record<string, Method> = {
  define({ handler, ...definition }: WorkflowDefinition & { handler?: never }) {
    const { component, options } = this;
    const { workpoolOptions, retention } = definition;
    const register = (handler: WorkflowHandler<any, any>) =>
      registerWorkflow(
        component,
        {
          ...definition,
          retention: mergedRetention(options.retention, retention),
        },
        handler,
        { ...options.workpoolOptions, ...workpoolOptions },
      );
    return handler ? register(handler) : { handler: register };
  },
  defineOnComplete,
  console(options) {
    return defineConsole(this.component, options);
  },
  async start(ctx, workflow, args, options) {
    return await startBy(this, ctx, workflow, args, options);
  },
};

/** The functions that a manager calls with its component. */
const FUNCTIONS = {
  status: getStatus,
  cancel,
  restart,
  cleanup,
  recover,
  findByKey,
  list,
  listByName,
  counts,
  listSteps,
  listSummaries,
  listNames,
  getRun,
  listStepSummaries,
  getStep,
  exportHistory,
  listEvents,
  listOnCompleteFailures,
  retryOnComplete,
  cancelMany,
  restartMany,
  cleanupMany,
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
  METHODS[name] = async function (ctx, ...rest) {
    return await run(ctx, this.component, ...rest);
  };

for (const [name, value] of Object.entries(METHODS))
  Object.defineProperty(WorkflowManager.prototype, name, {
    value,
    configurable: true,
    writable: true,
  });

/** The parameters of a function that takes a component, without the component. */
type Bound<Function> = Function extends (
  ctx: infer Ctx,
  component: WorkflowComponent,
  ...rest: infer Rest
) => unknown
  ? [ctx: Ctx, ...rest: Rest]
  : never;
