import { setImmediate } from "node:timers";
import batchWorker from "@convex-dev/batch-worker/test";
import workpool from "@convex-dev/workpool/test";
import { convexTest } from "convex-test";
import type { GenericDataModel, GenericMutationCtx } from "convex/server";
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

/** Modules are loaded once, before any test, because a slow import during a test would look like an idle backend. */
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

/** Makes the backoff of retries the same every time. */
export function useFixedPauses() {
  const { random } = Math;
  beforeEach(() => {
    const numbers = new Random(0);
    Math.random = () => numbers.next();
  });
  afterEach(() => {
    Math.random = random;
  });
}

/** Installs fake timers, as users do. */
export function useFakeTimers() {
  useFixedPauses();
  beforeEach(() => {
    clearScripts();
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

/** Every suite with a backend needs this. It installs fake timers and loads the modules. */
export function useBackend() {
  beforeAll(preload);
  useFakeTimers();
}

export type Backend = ReturnType<typeof newBackend>;

type Execution = "driver" | "pool";

export interface BackendOptions {
  /** How steps are executed. Defaults to the environment variable, so that you can run all tests both ways. */
  execution?: Execution;
  transactionLimits?: boolean;
  /** Registers a second instance of the component, `other`. */
  other?: boolean;
  /** Wraps the modules of a component, or of the app, whose path is "". */
  wrap?: (modules: Modules, component: string) => Modules;
}

const usual = process.env["EXECUTION"] as Execution | undefined;

/** Creates a convex-test backend with the app under test and its nested components, as in production. */
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
  // Transactions run one at a time, so this one ends before the next begins.
  if (execution !== undefined)
    void inComponent(t, (ctx) =>
      ctx.runMutation(componentInternal.utils.updateConfig, { execution }),
    );
  return t;
}

/** Runs everything that doesn't wait for a timer. */
export async function settle() {
  // Between two timers there are only promises, and one macrotask drains them.
  for (let quiet = 0; quiet < 2; quiet++)
    await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Fires all timers, even months ahead. Everything that one timer starts completes before the next
 * fires.
 */
export async function drain() {
  await advanceWhile(() => vi.getTimerCount() > 0);
}

/** Like `drain`, but only for the next `ms` milliseconds. */
export async function advance(ms: number) {
  // Longer timers would fire at once.
  const longestMs = 2 ** 31 - 1;
  for (let left = ms; left >= 0; left -= longestMs) {
    let reached = false;
    setTimeout(() => (reached = true), Math.min(left, longestMs));
    await advanceWhile(() => !reached);
  }
}

async function advanceWhile(shouldContinue: () => boolean) {
  await settle();
  for (let timers = 0; shouldContinue(); timers++) {
    if (timers > 500_000) throw new Error("The backend never comes to rest");
    vi.advanceTimersToNextTimer();
    await settle();
  }
}

type ComponentRunner<Model extends GenericDataModel> = {
  runInComponent<T>(
    path: string,
    run: (ctx: GenericMutationCtx<Model>) => Promise<T>,
  ): Promise<T>;
};

/** Reads and writes the tables of the component with this path, such as "workflow/workpool". */
export const inPart = <T, Model extends GenericDataModel = GenericDataModel>(
  t: Backend,
  path: string,
  run: (ctx: GenericMutationCtx<Model>) => Promise<T>,
): Promise<T> =>
  (t as unknown as ComponentRunner<Model>).runInComponent(path, run);

/** Reads and writes the component's own tables. */
export const inComponent = <T>(
  t: Backend,
  run: (ctx: GenericMutationCtx<DataModel>) => Promise<T>,
): Promise<T> => inPart(t, "workflow", run);

/** Returns all rows of one of the component's tables. */
export async function rows<T extends keyof DataModel>(t: Backend, table: T) {
  return await inComponent(
    t,
    async (ctx) => (await ctx.db.query(table).collect()) as unknown as Doc<T>[],
  );
}

/** Returns a run's journal in order. */
export async function journal(t: Backend, workflowId: string) {
  const steps = await rows(t, "steps");
  return steps
    .filter((row) => row.workflowId === workflowId)
    .sort((a, b) => a.stepNumber - b.stepNumber);
}

/** Returns the values that mutation steps wrote, one for each committed execution. */
export async function effects(t: Backend): Promise<unknown[]> {
  const found = await t.run((ctx) => ctx.db.query("effects").collect());
  return found.map(({ value }) => value as unknown);
}

/** Returns the calls of `steps:ended`, which `startHandler` can set as `onComplete`. */
export async function endings(t: Backend) {
  return await t.run((ctx) => ctx.db.query("ended").collect());
}

export interface StartHandlerOptions {
  /** Passed to the handler. */
  input?: unknown;
  /** The handler's name. Different handlers need different names. Default: "main". */
  name?: string;
  startAsync?: boolean;
  /** Sets an `onComplete` with this context. */
  context?: unknown;
  /** Which function that is. Default: `steps:ended`. */
  onComplete?: (typeof steps)["ended" | "endedAnyhow" | "endedWithoutData"];
}

/** Starts a run of a handler. */
export async function startHandler(
  t: Backend,
  handler: Handler,
  options: StartHandlerOptions = {},
): Promise<WorkflowId> {
  const { input, name = "main", startAsync, context } = options;
  const { onComplete = steps.ended } = options;
  script("handler", name, handler);
  const callback = context === undefined ? {} : { onComplete, context };
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

/** Starts a run and drains all timers. */
export async function runHandler(
  t: Backend,
  handler: Handler,
  options?: StartHandlerOptions,
) {
  const workflowId = await startHandler(t, handler, options);
  await drain();
  return { workflowId, status: await statusOf(t, workflowId) };
}
