import { createFunctionHandle, type FunctionReference } from "convex/server";
import { invalidArgument } from "../shared/errors.js";
import { errorMessage } from "../shared/failures.js";
import { requireMutations } from "./calls.js";
import type { ArgsOfWorkflow } from "./context.js";
import type { Started } from "./define.js";
import type { WorkflowId } from "./ids.js";
import { checkOptions, FIRST_START_OPTIONS, OPTIONS } from "./options.js";
import { checkStart } from "./startOptions.js";
import type { AnyRef } from "./replay/journal.js";
import {
  componentName,
  nameOf,
  nameOfReference,
  rulesOf,
  STARTS_RUN,
} from "./turn/stepContext.js";
import type {
  RunMutationCtx,
  StartOptions,
  WorkflowComponent,
  WorkflowReference,
  WorkpoolOptions,
} from "./types.js";

/**
 * Starts a run of a workflow in your transaction.
 *
 * If that transaction fails, the run never started. The first turn runs there too, so invalid
 * arguments throw here. If your handler throws, the run fails instead. From an action, this call
 * isn't retried. If it throws there, the run may still exist.
 *
 * @param ctx - The ctx of a mutation or action, or a workflow's `step`.
 * @param workflow - The workflow's reference, such as `internal.folder.file.workflow`.
 * @param args - The arguments of its handler.
 * @param options - See {@link StartOptions}.
 * @returns The id of the new run.
 */
// Not async, because L2 in `replay/legacy/replay.ts` counts the async functions around an answer.
export function start<
  Context = unknown,
  Workflow extends WorkflowReference = WorkflowReference,
>(
  ctx: RunMutationCtx,
  workflow: Workflow,
  args: ArgsOfWorkflow<Workflow>,
  options: StartOptions<Context> = {},
): Promise<WorkflowId> {
  return startBy(undefined, ctx, workflow, args, options);
}

/** Like `start`, on a manager if there is one. */
export async function startBy<Context, Workflow extends WorkflowReference>(
  manager: StartingManager | undefined,
  ctx: RunMutationCtx,
  workflow: Workflow,
  args: ArgsOfWorkflow<Workflow>,
  options: StartOptions<Context> = {},
): Promise<WorkflowId> {
  requireMutations(ctx, "start a workflow");
  const name = nameOfWorkflow(workflow);
  const rules = rulesOf(ctx);
  // The journal of a run of 0.4 holds the call as 0.4 made it, so make and answer it the same way.
  const isLegacy = rules?.isLegacy;
  const unknown = isLegacy ? "ignored" : "refused";
  checkOptions("start", options, `start("${name}")`, unknown);
  checkStart(name, options);
  if (args !== undefined && (typeof args !== "object" || args === null))
    throw invalidArgument(
      `Can't start "${name}": its arguments are ${String(args)}. Expected an object.`,
    );
  const { onComplete, context, startAsync, ifRunning } = options;
  const fnHandle =
    onComplete === undefined ? undefined : await handleOf(onComplete);
  if (manager && isLegacy && startAsync && !hasNewOptions(options))
    return (await ctx.runMutation(manager.component.workflow.create, {
      workflowName: name,
      workflowHandle: await createFunctionHandle(workflow),
      workflowArgs: args,
      maxParallelism: manager.options.workpoolOptions?.maxParallelism,
      onComplete: fnHandle && { fnHandle, context },
      startAsync,
    })) as WorkflowId;
  // Within a step, the caller's component is that of the run.
  const component = manager
    ? componentName(manager.component)
    : rules?.component;
  const call = {
    // Passes only known options, because code under 0.4 may pass others.
    ...Object.fromEntries(
      OPTIONS.start.map((option) => [option, options[option]]),
    ),
    args,
    onComplete: fnHandle,
    caller: isLegacy
      ? undefined
      : {
          component,
          workflowId: ifRunning === "replace" ? rules?.workflowId : undefined,
        },
  };
  const run = (startAsync: boolean | undefined) =>
    (ctx as StartingCtx).runMutation(
      workflow,
      { ...call, startAsync },
      rules && !isLegacy ? { [STARTS_RUN]: true } : undefined,
    );
  let answer: unknown;
  try {
    answer = await run(startAsync);
  } catch (error) {
    if (NO_WORKFLOW.test(String(error))) throw notAWorkflow(name, error);
    if (!rules && REFUSED_AT_START.test(String(error)))
      throw argumentsRefused(name, args, error);
    // The mutation has rolled the run back. If the handler crashed, a separate turn can report the cause.
    if (rules || startAsync || !("db" in ctx)) throw error;
    answer = await run(true);
  }
  const workflowId = isLegacy ? answer : (answer as Started | null)?.workflowId;
  if (typeof workflowId !== "string") throw notAWorkflow(name);
  return workflowId as WorkflowId;
}

interface StartingManager {
  component: WorkflowComponent;
  options: { workpoolOptions?: WorkpoolOptions };
}

interface StartingCtx {
  runMutation(
    workflow: WorkflowReference,
    args: object,
    options?: object,
  ): Promise<unknown>;
}

/** Whether code written for 0.4 can't have made this call, so that no journal of 0.4 holds it. */
const hasNewOptions = (options: StartOptions<any>) =>
  OPTIONS.start
    .slice(FIRST_START_OPTIONS.length)
    .some((name) => options[name] !== undefined);

/** The function's own validator refuses a workflow's arguments, or it returned something else to a step. */
const NO_WORKFLOW =
  /validat[^]*field `(args|caller)`(?![^]*Path: \.args)|did not answer as a workflow/i;

/** The workflow's validator refused the arguments before a run was created. */
const REFUSED_AT_START =
  /(ArgumentValidationError|Validator error|validation error)/i;

function argumentsRefused(name: string, args: object, cause: unknown) {
  const nested = "args" in args;
  return invalidArgument(
    `Can't start "${name}": its arguments were refused. ${errorMessage(cause)}\n` +
      (nested
        ? "start takes the arguments as they are: start(ctx, workflow, { userId }), not { args: { userId } }."
        : "Pass what the workflow's args declare, and check that it is a workflow."),
  );
}

function notAWorkflow(name: string | undefined, cause?: unknown) {
  return new Error(
    `Can't start ${name === undefined ? "a run" : `"${name}"`}: it is not a workflow. Pass a reference to what ` +
      `defineWorkflow or a manager's define has returned, such as internal.folder.file.workflow.`,
    { cause },
  );
}

export const nameOfWorkflow = (workflow: WorkflowReference): string =>
  nameOf(workflow, (cause) => notAWorkflow(undefined, cause));

/** Before convex 1.46, its types have only one kind of reference. */
async function handleOf(onComplete: object) {
  nameOfReference(onComplete as AnyRef, "mutation", "onComplete");
  return await createFunctionHandle(
    onComplete as FunctionReference<"mutation">,
  );
}
