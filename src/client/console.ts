import {
  mutationGeneric,
  paginationOptsValidator,
  queryGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
  type PaginationResult,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v, type PropertyValidators } from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import { codedError, invalidArgument } from "../shared/errors.js";
import { errorMessage } from "../shared/failures.js";
import type { WorkflowHistory } from "../shared/history.js";
import { sendEvent, type SentEvent } from "./events.js";
import type { ListOptions } from "./calls.js";
import {
  counts,
  exportHistory,
  getStep,
  listNames,
  type RunDetails,
  type RunSummary,
  type StepSummary,
  type WorkflowEvent,
} from "./reading.js";
import { checkOptions } from "./options.js";
import type { RunCounts, RunStatus, WorkflowComponent } from "./types.js";
import type { WorkflowStep } from "./validators.js";

/** The name of a function of the console. */
export type ConsoleOperation = keyof ConsoleFunctions;

/** Options of `workflow.console`. */
export type ConsoleOptions<DataModel extends GenericDataModel> = {
  /**
   * Decides about each call before it reads or changes anything. Unless it returns true, the call is denied.
   * `workflowId` is absent if the operation isn't about one run. An operation on several runs is decided for each
   * of them, and happens only if all are allowed.
   */
  authorize: (
    ctx: GenericQueryCtx<DataModel>,
    request: { operation: ConsoleOperation; workflowId?: string },
  ) => boolean | Promise<boolean>;
};

/** The size and the beginning, as JSON, of a value that is too large for a list. */
export type CutValue = { bytes: number; preview: string };

/** An event, with its value or, if that is larger than 4 KiB, its beginning. */
export type ConsoleEvent = WorkflowEvent & { cut?: CutValue };

/** A run and its events, as `getRun` of the console returns it. */
export type ConsoleRun = RunDetails & {
  /** The first page, or that of `events`. */
  events: PaginationResult<ConsoleEvent>;
  /** Present if you ask for it. See `exportHistory`. */
  history?: WorkflowHistory;
};

/** A step. Its `args` and its `runResult` are there only if you ask for that one step. */
export type ConsoleStep = StepSummary &
  Partial<Pick<WorkflowStep, "args" | "runResult">>;

/** How many runs have each status, and the names of all workflows. */
export type ConsoleStats = { counts: RunCounts; names: string[] };

/** The outcome of an operation on several runs. */
export type ConsoleBulkResult = {
  /** The number of runs that were changed. */
  done: number;
  failures: { workflowId: string; error: string }[];
  /** The runs for which the transaction had no room. Call again with these. */
  left: string[];
};

type Page = ListOptions["paginationOpts"] & object;
type Order = "asc" | "desc";

// Spelled out, because Convex reads types from the arguments of the aliases RegisteredQuery and RegisteredMutation.
/** The functions of a console, which `WorkflowConsole` of `@convex-dev/workflow/react` calls. */
export type ConsoleFunctions = {
  /** Runs without their values, newest first. */
  listRuns: RegisteredQuery<
    "public",
    {
      status?: RunStatus;
      name?: string;
      since?: number;
      until?: number;
      /** See `listSummaries`. */
      idPrefix?: string;
      parent?: string;
      order?: Order;
      paginationOpts: Page;
    },
    Promise<PaginationResult<RunSummary>>
  >;
  /** Null if there is no such run. `events` chooses their page. */
  getRun: RegisteredQuery<
    "public",
    { workflowId: string; events?: Page; history?: boolean },
    Promise<ConsoleRun | null>
  >;
  /** Steps without their values, by number. With `step`, only that one, with its values. */
  listSteps: RegisteredQuery<
    "public",
    { workflowId: string; step?: number; order?: Order; paginationOpts: Page },
    Promise<PaginationResult<ConsoleStep>>
  >;
  stats: RegisteredQuery<"public", { name?: string }, Promise<ConsoleStats>>;
  cancel: RegisteredMutation<
    "public",
    { workflowIds: string[] },
    Promise<ConsoleBulkResult>
  >;
  restart: RegisteredMutation<
    "public",
    { workflowIds: string[]; from?: number | string; fromFailure?: boolean },
    Promise<ConsoleBulkResult>
  >;
  cleanup: RegisteredMutation<
    "public",
    { workflowIds: string[] },
    Promise<ConsoleBulkResult>
  >;
  sendEvent: RegisteredMutation<
    "public",
    {
      workflowId: string;
      /** Send by name, or one event by its id. */
      name?: string;
      eventId?: string;
      value?: any;
      error?: string;
    },
    Promise<null>
  >;
};

/** See `WorkflowManager.console`. */
export function defineConsole<DataModel extends GenericDataModel>(
  component: WorkflowComponent,
  options: ConsoleOptions<DataModel>,
): ConsoleFunctions {
  checkOptions("console", options);
  const { authorize } = options;
  const { workflow } = component as ComponentApi;
  if (typeof authorize !== "function")
    throw invalidArgument(
      `Invalid options of console: its authorize is ${String(authorize)}. Expected a function (ctx, { operation, workflowId }) => … ` +
        `that returns true if the caller may do that.`,
    );

  const check = async (
    ctx: GenericQueryCtx<any>,
    operation: ConsoleOperation,
    workflowId?: string,
  ) => {
    try {
      if ((await authorize(ctx, { operation, workflowId })) === true) return;
    } catch (error) {
      // Only the log contains the error, because it might reveal something about the run.
      console.warn(`authorize of the console threw: ${errorMessage(error)}`);
    }
    throw codedError(
      "UNAUTHORIZED",
      `Not authorized to call ${operation} of this console.`,
    );
  };

  const text = v.optional(v.string());
  const number = v.optional(v.number());
  const flag = v.optional(v.boolean());
  const workflowId = v.string();
  const workflowIds = v.array(v.string());
  const paginationOpts = paginationOptsValidator;

  // The component checks arguments further.
  const define = (
    register: (definition: {
      args: PropertyValidators;
      handler: (ctx: any, args: any) => Promise<unknown>;
    }) => unknown,
    operation: ConsoleOperation,
    args: PropertyValidators,
    run: (ctx: GenericMutationCtx<any>, args: any) => Promise<unknown>,
  ): any =>
    register({
      args,
      handler: async (ctx, args) => {
        const ids: string[] = args.workflowIds ?? [];
        for (const id of ids.length > 0 ? ids : [args.workflowId])
          await check(ctx, operation, id as string | undefined);
        return await run(ctx, args);
      },
    });
  const bulk = (
    operation: "cancel" | "restart" | "cleanup",
    args: PropertyValidators,
  ) =>
    define(mutationGeneric, operation, { workflowIds, ...args }, (ctx, args) =>
      ctx.runMutation(workflow.changeRuns, { ...args, operation }),
    );

  return {
    listRuns: define(
      queryGeneric,
      "listRuns",
      {
        ...{ status: text, name: text, since: number, until: number },
        ...{ idPrefix: text, parent: text, order: text, paginationOpts },
      },
      (ctx, args) =>
        ctx.runQuery(workflow.listSummaries, { order: "desc", ...args }),
    ),
    getRun: define(
      queryGeneric,
      "getRun",
      { workflowId, history: flag, events: v.optional(paginationOpts) },
      async (ctx, { workflowId, history, events = FIRST_EVENTS }) => {
        const args = { workflowId, events };
        const run = await ctx.runQuery(workflow.getDetails, args);
        if (!run || !history) return run;
        const exported = await exportHistory(ctx, component, workflowId);
        return { ...run, history: exported };
      },
    ),
    listSteps: define(
      queryGeneric,
      "listSteps",
      { workflowId, step: number, order: text, paginationOpts },
      async (ctx, { workflowId, step, order = "asc", paginationOpts }) => {
        const page = { workflowId, order, paginationOpts };
        if (step === undefined)
          return await ctx.runQuery(workflow.listStepSummaries, page);
        const one = await getStep(ctx, component, workflowId, step);
        return { page: one ? [one] : [], isDone: true, continueCursor: "" };
      },
    ),
    stats: define(
      queryGeneric,
      "stats",
      { name: text },
      async (ctx, { name }) => ({
        counts: await counts(ctx, component, { name }),
        names: await listNames(ctx, component),
      }),
    ),
    cancel: bulk("cancel", {}),
    restart: bulk("restart", {
      from: v.optional(v.union(v.number(), v.string())),
      fromFailure: flag,
    }),
    cleanup: bulk("cleanup", {}),
    sendEvent: define(
      mutationGeneric,
      "sendEvent",
      {
        ...{ workflowId, name: text, eventId: text, error: text },
        value: v.optional(v.any()),
      },
      async (ctx, { eventId: id, ...event }) => {
        const sent = { ...event, id, strict: true } as SentEvent;
        await sendEvent(ctx, component, sent);
        return null;
      },
    ),
  };
}

const FIRST_EVENTS = { numItems: 50, cursor: null };
