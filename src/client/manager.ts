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
import * as inspecting from "./inspecting.js";
import * as events from "./events.js";
import * as management from "./management.js";
import * as operating from "./operating.js";
import { checkOptions, OPTIONS } from "./options.js";
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
    checkOptions("WorkflowManager", options, OPTIONS.manager);
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
  ): {
    handler: (
      handler: WorkflowHandler<ArgsValidator, Returns>,
    ) => RegisteredMutation<
      "internal",
      WorkflowArgs<ArgsValidator>,
      WorkflowMutationResult<ReturnValueOf<Returns>>
    >;
  };
  define<
    ArgsValidator extends ArgsValidators,
    Returns extends ReturnsValidator,
  >(
    definition: WorkflowDefinition<ArgsValidator, Returns> & {
      handler?: WorkflowHandler<ArgsValidator, Returns>;
    },
  ) {
    const register = (handler: WorkflowHandler<ArgsValidator, Returns>) =>
      registerWorkflow(
        this.component,
        {
          ...definition,
          retention: mergedRetention(
            this.options.retention,
            definition.retention,
          ),
        },
        handler,
        { ...this.options.workpoolOptions, ...definition.workpoolOptions },
      );
    return definition.handler
      ? register(definition.handler)
      : { handler: register };
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
    return defineOnComplete(definition);
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

  /** Starts a run: see {@link management.start}. */
  async start<
    Context = unknown,
    Workflow extends WorkflowReference = WorkflowReference,
  >(
    ctx: RunMutationCtx,
    workflow: Workflow,
    args: ArgsOfWorkflow<Workflow>,
    options?: StartOptions<Context>,
  ): Promise<WorkflowId> {
    return await management.startAs(this, ctx, workflow, args, options);
  }

  /** Returns the status of a run: see {@link management.getStatus}. */
  async status(...args: Bound<typeof management.getStatus>) {
    return await call(management.getStatus, this, args);
  }

  /** Stops a run: see {@link management.cancel}. */
  async cancel(...args: Bound<typeof management.cancel>) {
    return await call(management.cancel, this, args);
  }

  /** Continues or repeats a finished run: see {@link management.restart}. */
  async restart(...args: Bound<typeof management.restart>) {
    return await call(management.restart, this, args);
  }

  /** Deletes a finished run: see {@link management.cleanup}. */
  async cleanup(...args: Bound<typeof management.cleanup>) {
    return await call(management.cleanup, this, args);
  }

  /** Resumes runs that nothing will wake: see {@link management.recover}. */
  async recover(...args: Bound<typeof management.recover>) {
    return await call(management.recover, this, args);
  }

  /** Finds the run in progress that has a key: see {@link management.findByKey}. */
  async findByKey(...args: Bound<typeof management.findByKey>) {
    return await call(management.findByKey, this, args);
  }

  /** Lists runs: see {@link management.list}. */
  async list(...args: Bound<typeof management.list>) {
    return await call(management.list, this, args);
  }

  /** Lists the runs of one workflow: see {@link management.listByName}. */
  async listByName(...args: Bound<typeof management.listByName>) {
    return await call(management.listByName, this, args);
  }

  /** Counts runs by status: see {@link management.counts}. */
  async counts(...args: Bound<typeof management.counts>) {
    return await call(management.counts, this, args);
  }

  /** Lists the steps of a run: see {@link management.listSteps}. */
  async listSteps(...args: Bound<typeof management.listSteps>) {
    return await call(management.listSteps, this, args);
  }

  /** Lists runs without their values: see {@link inspecting.listSummaries}. */
  async listSummaries(...args: Bound<typeof inspecting.listSummaries>) {
    return await call(inspecting.listSummaries, this, args);
  }

  /** Lists the names of the workflows that have runs: see {@link inspecting.listNames}. */
  async listNames(...args: Bound<typeof inspecting.listNames>) {
    return await call(inspecting.listNames, this, args);
  }

  /** Returns everything about a run: see {@link inspecting.getRun}. */
  async getRun(...args: Bound<typeof inspecting.getRun>) {
    return await call(inspecting.getRun, this, args);
  }

  /** Lists the steps of a run without their values: see {@link inspecting.listStepSummaries}. */
  async listStepSummaries(...args: Bound<typeof inspecting.listStepSummaries>) {
    return await call(inspecting.listStepSummaries, this, args);
  }

  /** Returns one step: see {@link inspecting.getStep}. */
  async getStep(...args: Bound<typeof inspecting.getStep>) {
    return await call(inspecting.getStep, this, args);
  }

  /** Lists the events of a run: see {@link operating.listEvents}. */
  async listEvents(...args: Bound<typeof operating.listEvents>) {
    return await call(operating.listEvents, this, args);
  }

  /** Lists failed calls of `onComplete`: see {@link operating.listOnCompleteFailures}. */
  async listOnCompleteFailures(
    ...args: Bound<typeof operating.listOnCompleteFailures>
  ) {
    return await call(operating.listOnCompleteFailures, this, args);
  }

  /** Calls an `onComplete` that failed again: see {@link operating.retryOnComplete}. */
  async retryOnComplete(...args: Bound<typeof operating.retryOnComplete>) {
    return await call(operating.retryOnComplete, this, args);
  }

  /** Exports a run's journal: see {@link operating.exportHistory}. */
  async exportHistory(...args: Bound<typeof operating.exportHistory>) {
    return await call(operating.exportHistory, this, args);
  }

  /** Cancels runs in progress: see {@link operating.cancelMany}. */
  async cancelMany(...args: Bound<typeof operating.cancelMany>) {
    return await call(operating.cancelMany, this, args);
  }

  /** Restarts finished runs: see {@link operating.restartMany}. */
  async restartMany(...args: Bound<typeof operating.restartMany>) {
    return await call(operating.restartMany, this, args);
  }

  /** Cleans up finished runs: see {@link operating.cleanupMany}. */
  async cleanupMany(...args: Bound<typeof operating.cleanupMany>) {
    return await call(operating.cleanupMany, this, args);
  }

  /** Creates an event to await or send by its id: see {@link events.createEvent}. */
  async createEvent<Name extends string>(
    ctx: RunMutationCtx,
    event: { name: Name; workflowId: string },
  ): Promise<EventId<Name>> {
    return await events.createEvent(ctx, this.component, event);
  }

  /** Sends an event: see {@link events.sendEvent}. */
  async sendEvent<T = unknown, Name extends string = string>(
    ctx: RunMutationCtx,
    event: events.SentEvent<T, Name>,
  ): Promise<EventId<Name>> {
    return await events.sendEvent(ctx, this.component, event);
  }
}

/** The parameters of a function that takes a component, without the component. */
type Bound<Function> = Function extends (
  ctx: infer Ctx,
  component: WorkflowComponent,
  ...rest: infer Rest
) => unknown
  ? [ctx: Ctx, ...rest: Rest]
  : never;

const call = <Ctx, Rest extends unknown[], Result>(
  bound: (ctx: Ctx, component: WorkflowComponent, ...rest: Rest) => Result,
  { component }: WorkflowManager,
  [ctx, ...rest]: [ctx: Ctx, ...rest: Rest],
) => bound(ctx, component, ...rest);
