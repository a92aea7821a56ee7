import {
  createFunctionHandle,
  internalMutationGeneric,
  type RegisteredMutation,
} from "convex/server";
import {
  v,
  type ObjectType,
  type PropertyValidators,
  type Validator,
  type VAny,
} from "convex/values";
import { vDriveReply } from "../shared/driverProtocol.js";
import type { ComponentApi } from "../component/_generated/component.js";
import { invalidArgument } from "../shared/errors.js";
import { errorMessage } from "../shared/failures.js";
import { oneOf } from "../shared/oneOf.js";
import { vRetention } from "../shared/retention.js";
import { vResultOf } from "../shared/outcome.js";
import { retryProblem } from "../shared/retry.js";
import type { Workflow, WorkflowHandler } from "./context.js";
import type { Drive } from "./turn/journalEntry.js";
import { componentName } from "./turn/stepContext.js";
import { takeTurn } from "./turn/turn.js";
import type {
  AppMutationCtx,
  ArgsValidators,
  Retention,
  ReturnsValidator,
  ReturnValueOf,
  WorkflowArgs,
  WorkflowComponent,
  WorkflowDefinition,
  WorkflowMutationResult,
  WorkpoolOptions,
} from "./types.js";
import { checkOptions } from "./options.js";
import { checkStart, checkTimes, mergedRetention } from "./startOptions.js";
import { vWorkflowId, type WorkflowId } from "./ids.js";

/**
 * Defines a workflow. Export the result from a module of your app:
 *
 * ```ts
 * export const greet = defineWorkflow(components.workflow, {
 *   args: { name: v.string() },
 *   returns: v.string(),
 * }).handler(async (step, args) => {
 *   return await step.runQuery(internal.greetings.forName, { name: args.name });
 * });
 * ```
 *
 * Your handler runs many times and has to ask for the same steps each time. Do anything that isn't
 * derived from arguments or step results in a step. You can use `Date`, `Math.random` and `console`.
 *
 * @param component - `components.workflow`.
 * @param definition - Validators of the arguments and the return value, and defaults for actions.
 */
export function defineWorkflow<
  ArgsValidator extends ArgsValidators = PropertyValidators,
  Returns extends ReturnsValidator = void,
>(
  component: WorkflowComponent,
  definition: WorkflowDefinition<ArgsValidator, Returns> = {},
): WorkflowBuilder<ArgsValidator, Returns> {
  return {
    handler: (handler) => registerWorkflow(component, definition, handler),
  };
}

/** A definition of a workflow that lacks only its handler. */
export interface WorkflowBuilder<
  ArgsValidator extends ArgsValidators,
  Returns extends ReturnsValidator,
> {
  handler: (
    handler: WorkflowHandler<ArgsValidator, Returns>,
  ) => RegisteredMutation<
    "internal",
    WorkflowArgs<ArgsValidator>,
    WorkflowMutationResult<ReturnValueOf<Returns>>
  >;
}

/**
 * Registers the workflow's mutation. If a user calls it, it starts a run. If the engine calls it, it takes a turn.
 *
 * Its type is spelled out everywhere, because Convex reads a function's types from the arguments of the alias
 * RegisteredMutation. Another alias in its place would lose them.
 */
export function registerWorkflow<
  ArgsValidator extends ArgsValidators,
  Returns extends ReturnsValidator,
>(
  component: WorkflowComponent,
  definition: WorkflowDefinition<ArgsValidator, Returns> & Defaults,
  handler: WorkflowHandler<ArgsValidator, Returns>,
): RegisteredMutation<
  "internal",
  WorkflowArgs<ArgsValidator>,
  WorkflowMutationResult<ReturnValueOf<Returns>>
> {
  const what = "a workflow's definition";
  checkOptions("definition", definition, what);
  checkDefaults(what, component, definition);
  if (typeof handler !== "function")
    throw new Error(
      `Invalid definition of a workflow: its handler is ${String(handler)}. Expected an async function (step, args) => ….`,
    );
  const args = fieldsOf(definition.args);
  const workflow: Workflow = {
    ...definition,
    // Codegen may have described an older component: see WorkflowComponent.
    component: component as ComponentApi,
    args,
    handler,
  };
  return internalMutationGeneric({
    // Convex asks for the validators when it analyzes the module, not when it calls the mutation.
    get args() {
      return argsOfMutation(args);
    },
    get returns() {
      return returnsOfMutation(definition.returns);
    },
    handler: async (ctx: AppMutationCtx, call: Call) =>
      call.workflowId === undefined
        ? await start(ctx, workflow, call)
        : await advance(ctx, workflow, call),
  });
}

/** Checks a component and the options that a manager and a workflow's definition share. */
export function checkDefaults(
  what: string,
  component: WorkflowComponent,
  defaults: Defaults,
) {
  const { workpoolOptions } = defaults;
  // In code without types, it is undefined if the config doesn't use the component.
  if (!component)
    throw new Error(
      `The workflow component is ${String(component)}. Pass components.workflow, and check that convex/convex.config.ts ` +
        `has app.use(workflow).`,
    );
  checkOptions("workpoolOptions", workpoolOptions, `${what}: workpoolOptions`);
  const retry = workpoolOptions?.defaultRetryBehavior;
  checkOptions("retry", retry, `${what}: defaultRetryBehavior`);
  const bad =
    retry && retryProblem("workpoolOptions.defaultRetryBehavior", retry);
  if (bad) throw new Error(`Invalid options of ${what}: ${bad}`);
  checkTimes(what, defaults);
}

interface Defaults {
  workpoolOptions?: WorkpoolOptions;
  timeout?: number;
  retention?: Retention;
}

/** The validators by name, also if they were passed as `v.object()`. */
function fieldsOf(args?: ArgsValidators): PropertyValidators | undefined {
  const isObject = args?.kind === "object" && "fields" in args;
  return (isObject ? args.fields : args) as PropertyValidators | undefined;
}

/** The reply to `start`. Only a workflow gives it, so no other mutation is mistaken for one. */
export interface Started {
  kind: "started";
  workflowId: WorkflowId;
}

type Call = ObjectType<ReturnType<typeof argsOfMutation>>;

/** It has no double quote, because Convex's generated types would end the literal there. */
const NEST_ARGS =
  "The arguments of a workflow go under 'args', as in { args: { userId: '…' } }.";

/**
 * Users and the engine pass the same object, not a union, so that generated types show the arguments that a user may
 * pass.
 */
function argsOfMutation(args: PropertyValidators | undefined) {
  const { fields } = v
    .object({
      args: args ? v.object(args) : v.any(),
      startAsync: v.boolean(),
      execution: oneOf("driver", "pool"),
      onComplete: v.string(),
      context: v.any(),
      runAt: v.number(),
      runAfter: v.number(),
      timeout: v.number(),
      retention: vRetention(),
      key: v.string(),
      ifRunning: oneOf("return", "throw", "replace"),
      workflowId: v.string(),
      generationNumber: v.number(),
      // A driver's message, which the component checks.
      drive: v.any() as VAny<Drive | undefined>,
      // Passed by `start`: the component of the manager that it was called on, and the run whose handler calls it, if it
      // has to know that.
      caller: v
        .object({ component: v.string(), workflowId: v.string() })
        .partial(),
      // Convex shows this text if it rejects arguments that aren't nested.
      help: v.literal(NEST_ARGS),
    })
    .partial();
  return fields;
}

function returnsOfMutation(returns: ReturnsValidator | undefined) {
  return v.union(
    vWorkflowId,
    // The reply to `start`.
    v.object({ kind: v.literal("started"), workflowId: vWorkflowId }),
    // The reply to the engine: a turn was taken, or there is no such run.
    v.object({ kind: v.literal("turn"), workflowId: vWorkflowId }),
    v.null(),
    v.object({
      kind: v.literal("complete"),
      runResult: vResultOf<Validator<unknown, "required", string>>(
        returns ?? v.any(),
      ),
    }),
    vDriveReply(),
  );
}

/** Starts a run, unless the key is taken and that run's id is the answer. */
async function start(ctx: AppMutationCtx, workflow: Workflow, call: Call) {
  const { args, caller, startAsync, onComplete, context, key } = call;
  const { component, workpoolOptions } = workflow;
  const own = componentName(component);
  if (caller?.component !== undefined && caller.component !== own)
    throw new Error(
      `Can't start a workflow with the manager of another component: the workflow is defined with ` +
        `components.${own}, the manager with components.${caller.component}. Give both the same component.`,
    );
  if (args === undefined && needsArgs(workflow))
    throw new Error(
      `This workflow was called without its arguments. ${NEST_ARGS}`,
    );
  const { name: ownName } = await ctx.meta.getFunctionMetadata();
  // As references name a module's default export.
  const name = ownName.replace(/:default$/, "");
  const runAt = checkStart(name, call);
  if (onComplete !== undefined && !onComplete.startsWith("function://"))
    throw invalidArgument(
      `Invalid options of start("${name}"): onComplete is "${onComplete}". Expected a handle from createFunctionHandle.`,
    );
  const { create, claimKey } = component.workflow;
  // With `throw`, `create` throws if a run has the key.
  let workflowId: string | null =
    key === undefined || call.ifRunning === "throw"
      ? null
      : await ctx.runMutation(claimKey, {
          name,
          key,
          replaces: call.ifRunning === "replace",
          starter: caller?.workflowId,
        });
  if (workflowId === null) {
    const run = {
      workflowName: name,
      workflowHandle: await createFunctionHandle(ownName as never),
      workflowArgs: args ?? {},
      maxParallelism: workpoolOptions?.maxParallelism,
      logLevel: workpoolOptions?.logLevel,
      onComplete:
        onComplete === undefined
          ? undefined
          : { fnHandle: onComplete, context },
      execution: call.execution,
      startAsync,
      createOnly: !startAsync,
      runAt,
      timeoutMs: call.timeout ?? workflow.timeout,
      retention: mergedRetention(workflow.retention, call.retention),
      key,
    };
    try {
      workflowId = await ctx.runMutation(create, run);
    } catch (error) {
      throw MISSING.test(String(error)) ? notInstalled(own, error) : error;
    }
    if (!startAsync && runAt === undefined)
      await takeTurn(ctx, workflow, { workflowId, generationNumber: 0 });
  }
  const id = workflowId as WorkflowId;
  return caller ? { kind: "started" as const, workflowId: id } : id;
}

/** The errors of a call to a component that the app doesn't have. */
const MISSING =
  /Could not find function for '[^']*create'|child ?component|is not registered/i;

function notInstalled(name: string, cause: unknown) {
  return new Error(
    `The app has no component "${name}". Is app.use(workflow) missing in convex/convex.config.ts, or does it give the ` +
      `component another name? In tests, is register(t) missing? ${errorMessage(cause)}`,
    { cause },
  );
}

function needsArgs({ args }: Workflow) {
  return Object.values(args ?? {}).some(
    ({ isOptional }) => isOptional === "required",
  );
}

async function advance(
  ctx: AppMutationCtx,
  workflow: Workflow,
  { workflowId, generationNumber, drive }: Call,
) {
  if (generationNumber === undefined)
    throw new Error(
      `Workflow ${workflowId} can't take a turn without its generationNumber. To start a run, pass args and no workflowId.`,
    );
  const turn = { workflowId: workflowId!, generationNumber };
  return await takeTurn(ctx, workflow, turn, drive);
}
