import { setImmediate } from "node:timers";
import batchWorker from "@convex-dev/batch-worker/test";
import workpool from "@convex-dev/workpool/test";
import { convexTest } from "convex-test";
import type { GenericMutationCtx } from "convex/server";
import { afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { DataModel, Doc } from "../component/_generated/dataModel.js";
import type { WorkflowId, WorkflowStatus } from "../client/index.js";
import * as client from "../client/index.js";
import { internal as componentInternal } from "../component/_generated/api.js";
import workflowComponent from "../test.js";
import { components, internal } from "./app/_generated/api.js";
import schema from "./app/schema.js";
import { clearScripts, script, type Handler } from "./app/scripts.js";
import { Random } from "./random/random.js";

export { components, script };
export const { steps, strangers, workflows } = internal;

export type Modules = Record<string, () => Promise<unknown>>;

/** Modules that are loaded once, before any test: an import that takes time in the midst of one would look as if nothing were going on. */
const loaded = new Map<() => Promise<unknown>, unknown>();
function preloaded(modules: Modules): Modules {
  return Object.fromEntries(
    Object.entries(modules).map(([path, load]) => [
      path,
      async () => loaded.get(load) ?? (await load()),
    ]),
  );
}
const app: Modules = import.meta.glob("./app/**/*.ts");
const parts: Modules[] = [
  app,
  workflowComponent.modules,
  workpool.modules,
  batchWorker.modules,
];
async function preload() {
  for (const modules of parts)
    for (const [path, load] of Object.entries(modules))
      if (!/\.test\.|convex\.config/.test(path) && !loaded.has(load))
        loaded.set(load, await load());
}

/** Every suite on a backend needs it: fake timers, so that days pass at once, and loaded modules. */
export function useBackend() {
  const { random } = Math;
  beforeAll(preload);
  beforeEach(() => {
    clearScripts();
    const numbers = new Random(0);
    // Pauses are varied by it: each test has the same ones every time.
    Math.random = () => numbers.next();
    vi.useFakeTimers();
    vi.setSystemTime(1_700_000_000_000);
  });
  afterEach(() => {
    vi.useRealTimers();
    Math.random = random;
  });
}

export type Backend = ReturnType<typeof newBackend>;

type Execution = "driver" | "pool";

export interface BackendOptions {
  /** How steps are executed. Default: as the environment says, so that all tests can be run both ways. */
  execution?: Execution;
  transactionLimits?: boolean;
  /** Registers a second instance of the component, `other`. */
  other?: boolean;
  /** Puts something between the backend and the functions of a component: the app's path is "". */
  wrap?: (modules: Modules, component: string) => Modules;
}

const usual = process.env["EXECUTION"] as Execution | undefined;

/** A convex-test backend with the app under test and, as in production, the components it nests. */
export function newBackend(options: BackendOptions = {}) {
  const {
    wrap = (modules) => modules,
    execution = usual,
    other = false,
    ...limits
  } = options;
  const modules = wrap(preloaded(app), "");
  const t = convexTest({ schema, modules, ...limits });
  const register = (
    name: string,
    part: { schema: never; modules: Modules },
  ) => {
    const modules = wrap(preloaded(part.modules), name);
    t.registerComponent(name, part.schema, modules);
  };
  for (const name of other ? ["workflow", "other"] : ["workflow"]) {
    register(name, workflowComponent as never);
    register(`${name}/workpool`, workpool as never);
    register(`${name}/workpool/batchWorker`, batchWorker as never);
  }
  // Transactions wait in line: this one is over before whatever comes next begins.
  if (execution !== undefined)
    void inComponent(t, (ctx) =>
      ctx.runMutation(componentInternal.utils.updateConfig, { execution }),
    );
  return t;
}

/** Lets everything go on that doesn't wait for a timer. */
export async function settle() {
  // Between two timers there are only promises, which one macrotask drains.
  for (let quiet = 0; quiet < 2; quiet++)
    await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Lets everything happen that will, one timer after another and all that it starts before the next:
 * months pass in no time.
 */
export async function drain() {
  await advanceWhile(() => vi.getTimerCount() > 0);
}

/** As `drain`, but only what is due within the next `ms` milliseconds. */
export async function advance(ms: number) {
  // Longer timers fire at once.
  const longestMs = 2 ** 31 - 1;
  for (let left = ms; left >= 0; left -= longestMs) {
    let reached = false;
    setTimeout(() => (reached = true), Math.min(left, longestMs));
    await advanceWhile(() => !reached);
  }
}

async function advanceWhile(goOn: () => boolean) {
  await settle();
  for (let timers = 0; goOn(); timers++) {
    if (timers > 500_000) throw new Error("The backend never comes to rest");
    vi.advanceTimersToNextTimer();
    await settle();
  }
}

type ComponentRunner = {
  runInComponent<T>(
    path: string,
    run: (ctx: GenericMutationCtx<DataModel>) => Promise<T>,
  ): Promise<T>;
};

/** Reads and writes the component's own tables. */
export async function inComponent<T>(
  t: Backend,
  run: (ctx: GenericMutationCtx<DataModel>) => Promise<T>,
): Promise<T> {
  return await (t as unknown as ComponentRunner).runInComponent(
    "workflow",
    run,
  );
}

/** All rows of one of the component's tables. */
export async function rows<T extends keyof DataModel>(t: Backend, table: T) {
  return await inComponent(
    t,
    async (ctx) => (await ctx.db.query(table).collect()) as unknown as Doc<T>[],
  );
}

/** The journal of a run, in order. */
export async function journal(t: Backend, workflowId: string) {
  const steps = await rows(t, "steps");
  return steps
    .filter((row) => row.workflowId === workflowId)
    .sort((a, b) => a.stepNumber - b.stepNumber);
}

/** What mutation steps wrote: one value for each execution that committed. */
export async function effects(t: Backend): Promise<unknown[]> {
  const found = await t.run((ctx) => ctx.db.query("effects").collect());
  return found.map(({ value }) => value as unknown);
}

/** The calls of `steps:ended`, which `startHandler` can set as `onComplete`. */
export async function endings(t: Backend) {
  return await t.run((ctx) => ctx.db.query("ended").collect());
}

export interface StartHandlerOptions {
  /** Given to the handler. */
  input?: unknown;
  /** Under which the handler is kept. Runs of different handlers need different ones. Default: "main". */
  name?: string;
  startAsync?: boolean;
  /** Have `steps:ended` called with this context. */
  context?: unknown;
}

/** Starts a run of a handler. */
export async function startHandler(
  t: Backend,
  handler: Handler,
  options: StartHandlerOptions = {},
): Promise<WorkflowId> {
  const { input, name = "main", startAsync, context } = options;
  script("handler", name, handler);
  const callback =
    context === undefined ? {} : { onComplete: steps.ended, context };
  return await t.mutation((ctx) =>
    client.start(
      ctx,
      workflows.workflow,
      { handler: name, input },
      { startAsync, ...callback },
    ),
  );
}

export async function statusOf(
  t: Backend,
  workflowId: WorkflowId,
): Promise<WorkflowStatus> {
  return await t.query((ctx) =>
    client.getStatus(ctx, components.workflow, workflowId),
  );
}

/** Starts a run and lets everything happen that will without help from outside. */
export async function runHandler(
  t: Backend,
  handler: Handler,
  options?: StartHandlerOptions,
) {
  const workflowId = await startHandler(t, handler, options);
  await drain();
  return { workflowId, status: await statusOf(t, workflowId) };
}
