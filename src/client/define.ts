import {
  createFunctionHandle,
  internalMutationGeneric,
  type FunctionHandle,
  type RegisteredMutation,
} from "convex/server";
import { v, type PropertyValidators, type Validator } from "convex/values";
import { vDrive, vDriveReply } from "../shared/driverProtocol.js";
import type { ComponentApi } from "../component/_generated/component.js";
import { codedError } from "../shared/errors.js";
import { errorMessage } from "../shared/failures.js";
import { abbreviate } from "../shared/storable.js";
import { vRetention } from "../shared/retention.js";
import { vResultOf } from "../shared/outcome.js";
import { retryProblem } from "../shared/retry.js";
import type { WorkflowHandler } from "./context.js";
import type { Drive } from "./driven.js";
import { componentName } from "./stepContext.js";
import { takeTurn } from "./turn.js";
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
import {
  checkMs,
  checkRetention,
  checkStart,
  mergedRetention,
  type StartCall,
} from "./startOptions.js";
import type { Workflow } from "./workflow.js";
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
): {
  handler: (
    handler: WorkflowHandler<ArgsValidator, Returns>,
  ) => RegisteredMutation<
    "internal",
    WorkflowArgs<ArgsValidator>,
    WorkflowMutationResult<ReturnValueOf<Returns>>
  >;
} {
  return {
    handler: (handler) =>
      registerWorkflow<ArgsValidator, Returns>(
        component,
        definition,
        handler,
        definition.workpoolOptions,
      ),
  };
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
  definition: WorkflowDefinition<ArgsValidator, Returns>,
  handler: WorkflowHandler<ArgsValidator, Returns>,
  workpoolOptions: WorkpoolOptions | undefined,
): RegisteredMutation<
  "internal",
  WorkflowArgs<ArgsValidator>,
  WorkflowMutationResult<ReturnValueOf<Returns>>
> {
  const what = "a workflow's definition";
  checkOptions("definition", definition, what);
  checkDefaults(what, component, { ...definition, workpoolOptions });
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
    workpoolOptions,
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
  { workpoolOptions, timeout, retention }: Defaults,
) {
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
  checkMs(what, "timeout", timeout);
  checkRetention(what, retention);
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

interface Call extends StartCall {
  args?: unknown;
  startAsync?: boolean;
  execution?: "driver" | "pool";
  onComplete?: string;
  context?: unknown;
  workflowId?: string;
  generationNumber?: number;
  drive?: Drive;
  caller?: { component?: string; workflowId?: string };
}

/** The reply to `start`. Only a workflow gives it, so no other mutation is mistaken for one. */
export interface Started {
  kind: "started";
  workflowId: WorkflowId;
}

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
      execution: v.union(v.literal("driver"), v.literal("pool")),
      onComplete: v.string(),
      context: v.any(),
      runAt: v.number(),
      runAfter: v.number(),
      timeout: v.number(),
      retention: vRetention(),
      key: v.string(),
      ifRunning: v.union(
        v.literal("return"),
        v.literal("throw"),
        v.literal("replace"),
      ),
      workflowId: v.string(),
      generationNumber: v.number(),
      // Passed by a driver.
      drive: vDrive(),
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

async function start(ctx: AppMutationCtx, workflow: Workflow, call: Call) {
  const { caller } = call;
  const own = componentName(workflow.component);
  if (caller?.component !== undefined && caller.component !== own)
    throw new Error(
      `Can't start a workflow with the manager of another component: the workflow is defined with ` +
        `components.${own}, the manager with components.${caller.component}. Give both the same component.`,
    );
  const workflowId = await startRun(ctx, workflow, call);
  return caller ? { kind: "started" as const, workflowId } : workflowId;
}

async function startRun(
  ctx: AppMutationCtx,
  workflow: Workflow,
  call: Call,
): Promise<WorkflowId> {
  const { args, startAsync, onComplete, context } = call;
  if (args === undefined && needsArgs(workflow))
    throw new Error(
      `This workflow was called without its arguments. ${NEST_ARGS}`,
    );
  const { name: ownName } = await ctx.meta.getFunctionMetadata();
  // As references name a module's default export.
  const name = ownName.replace(/:default$/, "");
  const runAt = checkStart(name, call);
  const running = await runningOf(ctx, workflow, name, call);
  if (running) return running;
  const { create } = workflow.component.workflow;
  const run = {
    workflowName: name,
    workflowHandle: await ownHandle(ownName),
    workflowArgs: args ?? {},
    maxParallelism: workflow.workpoolOptions?.maxParallelism,
    logLevel: workflow.workpoolOptions?.logLevel,
    onComplete:
      onComplete === undefined ? undefined : { fnHandle: onComplete, context },
    execution: call.execution,
    startAsync,
    createOnly: !startAsync,
    runAt,
    timeoutMs: call.timeout ?? workflow.timeout,
    retention: mergedRetention(workflow.retention, call.retention),
    key: call.key,
  };
  let workflowId: string;
  try {
    workflowId = await ctx.runMutation(create, run);
  } catch (error) {
    throw MISSING.test(String(error)) ? notInstalled(workflow, error) : error;
  }
  if (!startAsync && runAt === undefined)
    await takeTurn(ctx, workflow, { workflowId, generationNumber: 0 });
  return workflowId as WorkflowId;
}

/** The errors of a call to a component that the app doesn't have. */
const MISSING =
  /Could not find function for '[^']*create'|child ?component|is not registered/i;

function notInstalled({ component }: Workflow, cause: unknown) {
  const name = componentName(component);
  return new Error(
    `The app has no component "${name}". Is app.use(workflow) missing in convex/convex.config.ts, or does it give the ` +
      `component another name? In tests, is register(t) missing? ${errorMessage(cause)}`,
    { cause },
  );
}

/** The run in progress with the same key, if it makes this start unnecessary. */
async function runningOf(
  ctx: AppMutationCtx,
  { component: { workflow } }: Workflow,
  name: string,
  { key, ifRunning, caller }: Call,
): Promise<WorkflowId | undefined> {
  // `create` throws if a run has the key.
  if (key === undefined || ifRunning === "throw") return undefined;
  // The `onComplete` of the canceled run may start or restart one with the key.
  for (let tries = 0; tries < MAX_REPLACED; tries++) {
    const running = await ctx.runQuery(workflow.findByKey, { name, key });
    if (running && ifRunning !== "replace") return running as WorkflowId;
    if (!running) return undefined;
    if (running === caller?.workflowId)
      throw codedError(
        "INVALID_ARGUMENT",
        `Can't replace workflow ${running} with the key "${abbreviate(key)}": it is the one that starts it. It has its ` +
          `key until it ends. Start the next run in its onComplete.`,
        running,
      );
    await ctx.runMutation(workflow.cancel, { workflowId: running });
  }
}

/** How many runs one start cancels that the previous one's end has begun. */
const MAX_REPLACED = 3;

function needsArgs({ args }: Workflow) {
  return Object.values(args ?? {}).some(
    ({ isOptional }) => isOptional === "required",
  );
}

async function ownHandle(name: string): Promise<FunctionHandle<"mutation">> {
  return await createFunctionHandle(name as unknown as never);
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
  const taken = await takeTurn(
    ctx,
    workflow,
    { workflowId: workflowId!, generationNumber },
    drive,
  );
  if (!taken) return null;
  const { runResult, reply } = taken;
  if (reply) return reply;
  if (runResult) return { kind: "complete" as const, runResult };
  return { kind: "turn" as const, workflowId: workflowId as WorkflowId };
}
