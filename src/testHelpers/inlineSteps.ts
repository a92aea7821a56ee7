import { convexToJson, jsonToConvex, type Value } from "convex/values";
import type { Backend, Mock } from "./backends.js";

interface Address {
  name?: string;
  reference?: string;
  functionHandle?: string;
}

/** Returns the handle that convex-test gives to a function called in `componentPath`. */
export function pathOf(address: Address, componentPath = ""): string {
  const { name, reference, functionHandle } = address;
  if (functionHandle !== undefined) return functionHandle;
  if (name !== undefined) return `function://${componentPath};${name}`;
  // For example, _reference/childComponent/emails/outbox/send.
  const [, , child, ...rest] = (reference ?? "").split("/");
  const fn = rest.pop();
  const component = [componentPath, child].filter(Boolean).join("/");
  return `function://${component};${rest.join("/")}:${fn}`;
}

export const findMock = (
  { mocks }: Backend,
  address: Address,
  componentPath?: string,
): Mock | undefined => {
  const path = pathOf(address, componentPath);
  return mocks.find((mock) => mock.path === path);
};

/** Calls `fn` as Convex calls a function, so its result must be storable. */
export const callMock = async ({ fn }: Mock, args: unknown) =>
  jsonToConvex(convexToJson(((await fn(args)) ?? null) as Value));

/**
 * The engine calls an inline step from the app's own mutation, through Convex's syscalls, which convex-test answers.
 * Each `convexTest` has its own function for them, which identifies its calls here.
 */
type AsyncSyscall = (op: string, json: string) => Promise<string>;

interface Calls {
  backend?: Backend;
  /** The functions that take turns. Their calls are steps. */
  workflows: Set<string>;
  mocked: AsyncSyscall;
}

const calls = new WeakMap<AsyncSyscall, Calls>();

interface ConvexGlobal {
  asyncSyscall: AsyncSyscall;
}
const convexGlobal = () =>
  (globalThis as unknown as { Convex: ConvexGlobal }).Convex;

const UNMOCKED = Symbol.for("workflow: system calls without mocks");
type Hooked = ConvexGlobal & { [UNMOCKED]?: () => AsyncSyscall };

/** Replaces a getter of convex-test's global. Without mocks, calls work as before. */
export function mockInlineSteps() {
  const convex: Hooked = convexGlobal();
  if (convex[UNMOCKED]) return;
  const own = Object.getOwnPropertyDescriptor(convex, "asyncSyscall")!;
  const unmocked = () => own.get!.call(convex) as AsyncSyscall;
  Object.defineProperty(convex, UNMOCKED, { value: unmocked });
  Object.defineProperty(convex, "asyncSyscall", {
    configurable: true,
    enumerable: true,
    get: () => callsOf(unmocked()).mocked,
  });
}

function callsOf(syscall: AsyncSyscall): Calls {
  const known = calls.get(syscall);
  if (known) return known;
  const created: Calls = {
    workflows: new Set(),
    mocked: (op, json) =>
      op === "1.0/runUdf"
        ? runFunction(created, syscall, json)
        : syscall(op, json),
  };
  calls.set(syscall, created);
  return created;
}

/** Call this when the component of `backend` is called. */
export function noteTurn(backend: Backend) {
  const convex: Hooked = convexGlobal();
  callsOf(convex[UNMOCKED]!()).backend = backend;
}

/** Returns the current function as JSON, or undefined if a timer started a function that hasn't executed yet. */
export const currentCall = (): Promise<string | undefined> =>
  convexGlobal()
    .asyncSyscall("1.0/getFunctionMetadata", "{}")
    .catch(() => undefined);

interface FunctionCall extends Address {
  args: never;
}

async function runFunction(
  { backend, workflows }: Calls,
  syscall: AsyncSyscall,
  json: string,
): Promise<string> {
  const call = JSON.parse(json) as FunctionCall;
  const metadata = await syscall("1.0/getFunctionMetadata", "{}");
  const { componentPath } = JSON.parse(metadata) as { componentPath: string };
  if (call.reference?.endsWith("/journal/beginTurn")) workflows.add(metadata);
  const mock =
    backend && workflows.has(metadata)
      ? findMock(backend, call, componentPath)
      : undefined;
  if (!mock) return await syscall("1.0/runUdf", json);
  try {
    const result = await callMock(mock, jsonToConvex(call.args));
    return JSON.stringify(convexToJson(result));
  } catch (thrown) {
    throw asSyscallError(thrown);
  }
}

/** Convex expects a ConvexError's data as JSON. */
function asSyscallError(thrown: unknown): unknown {
  const { data } = (thrown ?? {}) as { data?: unknown };
  if (!(thrown instanceof Error) || data === undefined) return thrown;
  return Object.assign(new Error(thrown.message), {
    data: convexToJson(data as Value),
  });
}
