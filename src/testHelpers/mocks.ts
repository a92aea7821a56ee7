import {
  getFunctionAddress,
  makeFunctionReference,
  mutationGeneric,
  type FunctionArgs,
  type FunctionReference,
  type FunctionReturnType,
} from "convex/server";
import { describeFailure } from "../shared/failures.js";
import {
  backendOf,
  isLeftBehind,
  type Backend,
  type Ctx,
  type Mock,
  type Run,
  type Test,
} from "./backends.js";
import {
  callMock,
  currentCall,
  findMock,
  mockInlineSteps,
  noteTurn,
  pathOf,
} from "./inlineSteps.js";

type AnyReference = FunctionReference<any, any>;

type WorkflowEnd<Ref extends AnyReference> = Extract<
  Ref["_returnType"],
  { kind: "complete" }
>;

/** The arguments of a function step or of a workflow's handler. */
export type StepArgs<Ref extends AnyReference> = [WorkflowEnd<Ref>] extends [
  never,
]
  ? FunctionArgs<Ref>
  : NonNullable<FunctionArgs<Ref>["args"]>;

/** The result of a function step or of a workflow's handler. */
export type StepResult<Ref extends AnyReference> = [WorkflowEnd<Ref>] extends [
  never,
]
  ? FunctionReturnType<Ref>
  : Extract<WorkflowEnd<Ref>["runResult"], { kind: "success" }>["returnValue"];

/** Stands for a function or a workflow that steps call. See {@link mockStep}. */
export type MockFunction<Ref extends AnyReference> = (
  args: StepArgs<Ref>,
) => StepResult<Ref> | Promise<StepResult<Ref>>;

/**
 * Makes steps that call `ref` call `fn` instead. `ref` is a query, a mutation, an action or a child workflow. Only steps
 * call `fn`. This works for inline steps, for either `execution`, and for steps that the run has already asked for. `fn`
 * gets a copy of the arguments and returns a Convex value. If it throws, the step fails, and an action is retried as
 * usual.
 *
 * `fn` may use `t`, and wait for a timer, if it stands for a query or an action that isn't inline. Otherwise it runs
 * inside a transaction, where both would wait forever.
 *
 * @param t - The result of `convexTest` that you passed to `register`.
 * @returns A function that removes this mock.
 */
export function mockStep<Ref extends AnyReference>(
  t: Test,
  ref: Ref,
  fn: MockFunction<Ref>,
): () => void {
  const backend = backendOf(t);
  const path = pathOf(getFunctionAddress(ref));
  const mock: Mock = { path, fn: inThisContext(fn) };
  backend.mocks.unshift(mock);
  mockInlineSteps();
  return () => {
    backend.mocks = backend.mocks.filter((other) => other !== mock);
  };
}

/**
 * Calls `fn` in the test's own async context. Otherwise convex-test would take the component for the caller of
 * everything that `fn` calls.
 */
function inThisContext<Args>(fn: (args: Args) => unknown) {
  const calls: (() => void)[] = [];
  let wake = () => {};
  const serve = async () => {
    for (;;) {
      for (const call of calls.splice(0)) call();
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  void serve();
  const run = async (args: unknown) => await fn(args as Args);
  return (args: unknown) =>
    new Promise<unknown>((resolve) => {
      calls.push(() => resolve(run(args)));
      wake();
    });
}

export type Modules = Record<string, () => Promise<unknown>>;

/** Wraps the modules of a component for a test's backend. convex-test loads a module for each call. */
export const watchedModules = (modules: Modules, backend: Backend): Modules =>
  Object.fromEntries(
    Object.entries(modules).map(([path, load]) => [
      path,
      async () =>
        isLeftBehind(backend) && !(await currentCall())
          ? NOTHING
          : heedingModule(
              path,
              (await load()) as Record<string, unknown>,
              backend,
            ),
    ]),
  );

/** Replaces every scheduled function in a backend that was left behind. */
const nothing = mutationGeneric({ handler: () => null });
const NOTHING = new Proxy(
  {},
  // With a method `then`, it would look like a promise.
  { get: (_, name) => (name === "then" ? undefined : nothing) },
);

type Method = "runQuery" | "runMutation" | "runAction";
type Call = (target: unknown, args: unknown, options?: unknown) => unknown;
type AnyCtx = Pick<Ctx, "db"> & Record<Method, Call>;

/** Replaces a door's call of a mocked function. */
type Instead = (
  mock: Mock,
  args: unknown,
  ctx: AnyCtx,
  callReal: () => unknown,
) => unknown;

const callIt: Instead = (mock, args) => callMock(mock, args);

type Methods = Partial<Record<Method, Instead>>;

/** The doors that call step functions by their handles, with the methods that they use for it. */
const DOORS: Record<string, Methods> = {
  "journal:beginTurn": { runMutation: callIt },
  "execute:transaction": { runMutation: callIt },
  "execute:action": { runQuery: callIt, runAction: callIt },
  "driving:drive": { runQuery: callIt, runAction: callIt },
  "turns:take": { runMutation: endChild },
};

/** Wraps a module of the component, so that its doors use the test's mocks. */
function heedingModule(
  path: string,
  module: Record<string, unknown>,
  backend: Backend,
) {
  if (backend.mocks.length === 0) return module;
  const name = path.replace(/^.*\/|\.ts$/g, "");
  const heeded = { ...module };
  for (const [door, methods] of Object.entries(DOORS)) {
    const [file, fn] = door.split(":") as [string, string];
    if (file === name && fn in module)
      heeded[fn] = heedingDoor(module[fn] as Door, methods, backend);
  }
  return heeded;
}

type Handler = (ctx: AnyCtx, args: never) => unknown;
type Door = { _handler: Handler };

const heedingDoor = (door: Door, methods: Methods, backend: Backend): Door =>
  new Proxy(door, {
    get: (target, key) =>
      key === "_handler"
        ? (ctx: AnyCtx, args: never) => {
            noteTurn(backend);
            return target._handler(heedingCtx(ctx, methods, backend), args);
          }
        : (Reflect.get(target, key) as unknown),
  });

function heedingCtx(ctx: AnyCtx, methods: Methods, backend: Backend): AnyCtx {
  const heeding = { ...ctx };
  for (const [method, instead] of Object.entries(methods))
    heeding[method as Method] = async (target, ...rest) => {
      const callReal = () => ctx[method as Method](target, ...rest);
      const mock =
        typeof target === "string" &&
        findMock(backend, { functionHandle: target });
      return await (mock ? instead(mock, rest[0], ctx, callReal) : callReal());
    };
  return heeding;
}

const beginTurn = makeFunctionReference<"mutation">("journal:beginTurn");
const commit = makeFunctionReference<"mutation">("journal:commit");

/** Ends a child instead of taking its turn. A run that an app started isn't a step. */
async function endChild(
  mock: Mock,
  turn: unknown,
  ctx: AnyCtx,
  callReal: () => unknown,
) {
  const { workflowId } = turn as { workflowId: Run["_id"] };
  const run = await ctx.db.get("workflows", workflowId);
  if (!run?.parent) return await callReal();
  if (await ctx.runMutation(beginTurn, turn)) {
    const end = await endOf(mock, run.args);
    await ctx.runMutation(commit, { ...(turn as object), steps: [], end });
  }
  return { kind: "turn", workflowId };
}

async function endOf(mock: Mock, args: unknown) {
  try {
    const returnValue = await callMock(mock, args);
    return { runResult: { kind: "success", returnValue } };
  } catch (thrown) {
    const { error, failure } = describeFailure(thrown);
    return { runResult: { kind: "failed", error }, failure };
  }
}
