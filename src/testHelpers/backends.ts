import type { GenericMutationCtx } from "convex/server";
import type { TestConvex } from "convex-test";
import type { DataModel, Doc } from "../component/_generated/dataModel.js";

/** A `convexTest` with any schema. The result of `t.withIdentity(…)` isn't one. */
export type Test = TestConvex<any>;

export interface Mock {
  /** The path in a function's handle. */
  path: string;
  fn: (args: unknown) => unknown;
}

/** The clock of @sinonjs/fake-timers, which `vi.useFakeTimers` installs. */
export interface FakeClock {
  /** The clock's time. */
  now: number;
  next(): number;
  countTimers(): number;
  setTimeout: (
    callback: () => void,
    ms?: number,
    ...args: unknown[]
  ) => unknown;
  clearTimeout: (id: unknown) => void;
}

/** Vitest's `vi` can't tell whether this very `setTimeout` is fake. */
export const fakeClock = () =>
  (globalThis.setTimeout as unknown as { clock?: FakeClock }).clock;

/** The state that `register` keeps for one `convexTest`. */
export interface Backend {
  /** The paths at which the component is registered. */
  names: Set<string>;
  /** The mocks, newest first. */
  mocks: Mock[];
  /** The fake clock of its last use, or undefined in real time. */
  clock: unknown;
}

const backends = new WeakMap<object, Backend>();
let latest: Backend | undefined;

/** Records that a component is registered at `name`. */
export function addInstance(t: object, name: string): Backend {
  const backend = backends.get(t) ?? {
    names: new Set(),
    mocks: [],
    clock: undefined,
  };
  backends.set(t, backend);
  backend.names.add(name);
  return use(backend);
}

function use(backend: Backend): Backend {
  backend.clock = fakeClock();
  latest = backend;
  return backend;
}

/**
 * Whether an earlier test left this backend behind under another clock. Its timers may still fire. Under the current
 * clock, its work would be due years ago or years from now, and would keep this clock busy.
 */
export const isLeftBehind = ({ clock }: Backend) =>
  clock !== fakeClock() && latest?.clock === fakeClock();

export function backendOf(t: object): Backend {
  const backend = backends.get(t);
  if (backend) return use(backend);
  throw new Error(
    "The workflow component isn't registered. Call register(t) first, and pass that same t, not t.withIdentity(…).",
  );
}

export type Run = Doc<"workflows">;
export type StepRow = Doc<"steps">;
export type Ctx = GenericMutationCtx<DataModel>;

/** convex-test has this method, but its types don't. */
interface ComponentRunner {
  runInComponent<T>(path: string, run: (ctx: Ctx) => Promise<T>): Promise<T>;
}

/** Reads and writes the tables of an instance of the component. */
export const inComponent = async <T>(
  t: object,
  name: string,
  run: (ctx: Ctx) => Promise<T>,
): Promise<T> =>
  await (t as unknown as ComponentRunner).runInComponent(name, run);

/** Identifies a run. The ids of two instances may be equal in convex-test. */
export interface Place {
  name: string;
  workflowId: Run["_id"];
}

/** Finds the instance that has a run. */
export async function findRun(
  t: object,
  workflowId: string,
  given?: string,
): Promise<Place> {
  const { names } = backendOf(t);
  const asked = given === undefined ? [...names] : [given];
  if (given !== undefined && !names.has(given))
    throw new Error(
      `No workflow component is registered as "${given}", only ${quoted(names)}.`,
    );
  const found: Place[] = [];
  for (const name of asked) {
    const run = await inComponent(t, name, (ctx) => getRun(ctx, workflowId));
    if (run) found.push({ name, workflowId: run._id });
  }
  const [place, other] = found;
  if (!place)
    throw new Error(
      `Workflow ${workflowId} doesn't exist in ${quoted(asked)}. It may have been cleaned up.`,
    );
  if (other)
    throw new Error(
      `${quoted(names)} both have a workflow ${workflowId}. Pass { name } to say which one you mean.`,
    );
  return place;
}

export async function getRun(
  ctx: Ctx,
  workflowId: string,
): Promise<Run | null> {
  const id = ctx.db.normalizeId("workflows", workflowId);
  return id && (await ctx.db.get("workflows", id));
}

const quoted = (names: Iterable<string>) =>
  [...names].map((name) => `"${name}"`).join(" and ");
