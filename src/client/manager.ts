import type {
  GenericDataModel,
  PaginationResult,
  RegisteredMutation,
} from "convex/server";
import type { Infer, PropertyValidators, Validator, VAny } from "convex/values";
import type { ArgsOfWorkflow, WorkflowHandler } from "./context.js";
import {
  checkComponent,
  checkWorkpoolOptions,
  registerWorkflow,
} from "./define.js";
import { checkRetention } from "./startOptions.js";
import * as events from "./events.js";
import * as management from "./management.js";
import * as operating from "./operating.js";
import { checkOptions, OPTIONS } from "./options.js";
import { defineOnComplete, type OnCompleteDefinition } from "./onComplete.js";
import type {
  ArgsValidators,
  OnCompleteArgs,
  PublicWorkflow,
  Retention,
  ReturnsValidator,
  ReturnValueOf,
  RunCounts,
  RunFilter,
  RunMutationCtx,
  RunQueryCtx,
  StartOptions,
  WorkflowArgs,
  WorkflowComponent,
  WorkflowDefinition,
  WorkflowMutationResult,
  WorkflowStatus,
  WorkpoolOptions,
  WorkflowReference,
} from "./types.js";
import type { EventId, WorkflowId, WorkflowStep } from "./validators.js";

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
    checkComponent(component);
    checkOptions("WorkflowManager", options, OPTIONS.manager);
    checkWorkpoolOptions("WorkflowManager", options.workpoolOptions);
    checkRetention("WorkflowManager", options.retention);
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
          retention:
            this.options.retention || definition.retention
              ? { ...this.options.retention, ...definition.retention }
              : undefined,
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
  async status(ctx: RunQueryCtx, workflowId: string): Promise<WorkflowStatus> {
    return await management.getStatus(ctx, this.component, workflowId);
  }

  /** Stops a run: see {@link management.cancel}. */
  async cancel(
    ctx: RunMutationCtx,
    workflowId: string,
    options?: management.CancelOptions,
  ): Promise<boolean> {
    return await management.cancel(ctx, this.component, workflowId, options);
  }

  /** Continues or repeats a finished run: see {@link management.restart}. */
  async restart(
    ctx: RunMutationCtx,
    workflowId: string,
    options?: management.RestartOptions,
  ): Promise<void> {
    await management.restart(ctx, this.component, workflowId, options);
  }

  /** Deletes a finished run: see {@link management.cleanup}. */
  async cleanup(ctx: RunMutationCtx, workflowId: string): Promise<boolean> {
    return await management.cleanup(ctx, this.component, workflowId);
  }

  /** Resumes runs that nothing will wake: see {@link management.recover}. */
  async recover(ctx: RunMutationCtx): Promise<number> {
    return await management.recover(ctx, this.component);
  }

  /** Finds the run in progress that has a key: see {@link management.findByKey}. */
  async findByKey(
    ctx: RunQueryCtx,
    workflow: WorkflowReference,
    key: string,
  ): Promise<WorkflowId | null> {
    return await management.findByKey(ctx, this.component, workflow, key);
  }

  /** Lists runs: see {@link management.list}. */
  async list(
    ctx: RunQueryCtx,
    options?: management.ListRunsOptions,
  ): Promise<PaginationResult<PublicWorkflow>> {
    return await management.list(ctx, this.component, options);
  }

  /** Lists the runs of one workflow: see {@link management.listByName}. */
  async listByName(
    ctx: RunQueryCtx,
    name: string | WorkflowReference,
    options?: Omit<management.ListRunsOptions, "name">,
  ): Promise<PaginationResult<PublicWorkflow>> {
    return await management.listByName(ctx, this.component, name, options);
  }

  /** Counts runs by status: see {@link management.counts}. */
  async counts(
    ctx: RunQueryCtx,
    options?: Pick<RunFilter, "name">,
  ): Promise<RunCounts> {
    return await management.counts(ctx, this.component, options);
  }

  /** Lists the steps of a run: see {@link management.listSteps}. */
  async listSteps(
    ctx: RunQueryCtx,
    workflowId: string,
    options?: management.ListOptions,
  ): Promise<PaginationResult<WorkflowStep>> {
    return await management.listSteps(ctx, this.component, workflowId, options);
  }

  /** Lists the events of a run: see {@link operating.listEvents}. */
  async listEvents(
    ctx: RunQueryCtx,
    workflowId: string,
    options?: management.ListOptions,
  ): Promise<PaginationResult<operating.WorkflowEvent>> {
    return await operating.listEvents(ctx, this.component, workflowId, options);
  }

  /** Lists failed calls of `onComplete`: see {@link operating.listOnCompleteFailures}. */
  async listOnCompleteFailures(
    ctx: RunQueryCtx,
    options?: management.ListOptions,
  ): Promise<PaginationResult<operating.OnCompleteFailure>> {
    return await operating.listOnCompleteFailures(ctx, this.component, options);
  }

  /** Calls an `onComplete` that failed again: see {@link operating.retryOnComplete}. */
  async retryOnComplete(ctx: RunMutationCtx, id: string): Promise<void> {
    await operating.retryOnComplete(ctx, this.component, id);
  }

  /** Cancels runs in progress: see {@link operating.cancelMany}. */
  async cancelMany(
    ctx: RunMutationCtx,
    options?: Parameters<typeof operating.cancelMany>[2],
  ): Promise<operating.ManyResult> {
    return await operating.cancelMany(ctx, this.component, options);
  }

  /** Restarts finished runs: see {@link operating.restartMany}. */
  async restartMany(
    ctx: RunMutationCtx,
    options?: operating.RestartManyOptions,
  ): Promise<operating.ManyResult> {
    return await operating.restartMany(ctx, this.component, options);
  }

  /** Cleans up finished runs: see {@link operating.cleanupMany}. */
  async cleanupMany(
    ctx: RunMutationCtx,
    options?: Parameters<typeof operating.cleanupMany>[2],
  ): Promise<operating.ManyResult> {
    return await operating.cleanupMany(ctx, this.component, options);
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
