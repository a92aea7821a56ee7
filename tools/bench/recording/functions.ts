import { clock } from "../clock.js";
import type { Kind } from "./call.js";
import { recorder } from "./recorder.js";

export type Modules = Record<string, () => Promise<unknown>>;

type Ctx = Record<string, unknown>;
type Handler = (ctx: Ctx, args: Record<string, unknown>) => unknown;
type ConvexFunction = {
  _handler: Handler;
  isQuery?: true;
  isMutation?: true;
  isAction?: true;
};

/**
 * Wraps modules so that their functions are recorded. It loads all of them now, because loading one later
 * would take time inside a transaction.
 */
export async function recordFunctions(
  modules: Modules,
  component: string,
): Promise<Modules> {
  const recorded: Modules = {};
  for (const [file, load] of Object.entries(modules)) {
    if (!isModule(file)) continue;
    const module = recordModule(component, file, await load());
    recorded[file] = () => Promise.resolve(module);
  }
  return recorded;
}

/** Tests, declarations and configurations have a second dot in their names. */
const isModule = (file: string) => !/\.\w+\.\w+$/.test(file);

function recordModule(component: string, file: string, module: unknown) {
  const name = file
    .replace(/^(.*\/)?(component\/|\.\/)/, "")
    .replace(/\.[cm]?[jt]s$/, "");
  return Object.fromEntries(
    Object.entries(module as object).map(([key, value]: [string, unknown]) => [
      key,
      isFunction(value)
        ? recordFunction(component, `${name}:${key}`, value)
        : value,
    ]),
  );
}

const isFunction = (value: unknown): value is ConvexFunction =>
  typeof value === "function" && "_handler" in value;

function recordFunction(component: string, name: string, fn: ConvexFunction) {
  const kind: Kind = fn.isAction ? "action" : fn.isQuery ? "query" : "mutation";
  const handler: Handler = async (ctx, args) => {
    const jobId = await jobIdOf(kind, ctx);
    const within = kind === "action" ? withLatency(ctx) : ctx;
    const called = { kind, component, name, i: args["i"] };
    return await recorder.execute(called, jobId, () =>
      fn._handler(within, args),
    );
  };
  return new Proxy(fn, {
    get: (target, key): unknown =>
      key === "_handler" ? handler : Reflect.get(target, key),
  });
}

type Meta = {
  getRequestMetadata(): Promise<{ scheduledFunctionId: string | null }>;
};

/** Returns the job that started this call. The call's own calls belong to the same request. */
async function jobIdOf(kind: Kind, ctx: Ctx): Promise<string | null> {
  if (kind === "query" || recorder.current()) return null;
  const { scheduledFunctionId } = await (
    ctx["meta"] as Meta
  ).getRequestMetadata();
  return scheduledFunctionId;
}

function withLatency(ctx: Ctx): Ctx {
  const delayed = (name: string) => {
    const run = ctx[name] as (...args: unknown[]) => Promise<unknown>;
    return async (...args: unknown[]) => {
      await clock.sleep(recorder.latency.call());
      return await run(...args);
    };
  };
  return {
    ...ctx,
    runQuery: delayed("runQuery"),
    runMutation: delayed("runMutation"),
    runAction: delayed("runAction"),
  };
}
