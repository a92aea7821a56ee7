import { afterEach, expect } from "vitest";
import type { FunctionArgs } from "convex/server";
import { recover, type WorkflowCtx } from "../client/index.js";
import { internal } from "../component/_generated/api.js";
import {
  components,
  inComponent,
  rows,
  script,
  steps,
  workflows,
  type Backend,
} from "./harness.js";
import { callInternal, listenToConsole } from "./managing.js";

// Helpers for tests of runs. They ask for steps, delay actions and act as an operator.

/** Long enough for all current work, but shorter than any wait in a test. */
export const A_WHILE = 10_000;
/** For waits that outlast `A_WHILE`. */
export const LATER = 100_000;

type Options = Parameters<WorkflowCtx["runMutation"]>[2];

/** Runs a mutation step that returns the value and writes it into `effects`. */
export const echo = (step: WorkflowCtx, value: unknown, options?: Options) =>
  step.runMutation(steps.echo, { value }, options);

/** Runs the test's scripted action as a step. */
export const act = (
  step: WorkflowCtx,
  name: string,
  options?: Parameters<WorkflowCtx["runAction"]>[2],
) => step.runAction(steps.action, { name }, options);

/** Runs the handler `child` as a step. */
export const child = (step: WorkflowCtx, input?: unknown) =>
  step.runWorkflow(workflows.workflow, { handler: "child", input });

export const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

/** Scripts an action that takes `ms` and returns its name. Collects each attempt's start time. */
export function slow(name: string, ms: number): number[] {
  const begun: number[] = [];
  script("action", name, async () => {
    begun.push(Date.now());
    await new Promise((resolve) => setTimeout(resolve, ms));
    return name;
  });
  return begun;
}

/** Like `listenToConsole`, but fails a test that doesn't check every message. */
export function useQuietConsole() {
  const heard = listenToConsole();
  afterEach(() => expect(heard.said).toEqual([]));
  return { takeNote: () => heard.said.splice(0) };
}

/** Calls a run's workflow for a turn, as the component does. */
export const takeTurn = (
  t: Backend,
  workflowId: string,
  generationNumber = 0,
  drive?: object,
) =>
  t.mutation((ctx) =>
    ctx.runMutation(workflows.workflow, {
      workflowId,
      generationNumber,
      ...(drive && { drive }),
    } as never),
  );

/** Returns each run's result, oldest first, or undefined if it hasn't ended. */
export const outcomes = async (t: Backend) =>
  (await rows(t, "workflows")).map(({ runResult }) => runResult?.kind);

/** Removes the function of a run, as a deploy may. */
export const removeFunction = (t: Backend, id: string) =>
  inComponent(t, (ctx) =>
    ctx.db.patch("workflows", id as never, {
      workflowHandle: "function://;workflows:removed",
    }),
  );

/** Changes the config of the component, as an operator does. */
export const configure = (
  t: Backend,
  config: FunctionArgs<typeof internal.utils.updateConfig>,
) => callInternal(t, internal.utils.updateConfig, config);

/** Returns the component's pending scheduled functions. */
export const pending = (t: Backend, name = /./) =>
  inComponent(t, async (ctx) => {
    const all = await ctx.db.system.query("_scheduled_functions").collect();
    return all.filter(
      (job) => job.state.kind === "pending" && name.test(job.name),
    );
  });

/** Cancels pending functions, as an operator can in the dashboard. Returns their number. */
export async function cancelPending(t: Backend, name?: RegExp) {
  const found = await pending(t, name);
  await inComponent(t, async (ctx) => {
    for (const { _id } of found) await ctx.scheduler.cancel(_id);
  });
  return found.length;
}

export const recoverAll = (t: Backend) =>
  t.action((ctx) => recover(ctx, components.workflow));
