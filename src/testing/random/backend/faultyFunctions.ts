import { AsyncLocalStorage } from "node:async_hooks";
import type { Modules } from "../../harness.js";
import {
  boundaryOf,
  mayBeKilled,
  mayRepeat,
  mayThrow,
  type Called,
} from "./boundaries.js";
import type { Decide, Fault } from "./faults.js";

type Ctx = Record<string, any>;
type Handler = (ctx: Ctx, args: Record<string, any>) => Promise<unknown>;
type ConvexFunction = { _handler: Handler; isMutation?: true; isAction?: true };

/** What code runs inside of. A transaction keeps the calls made in it, which count if it commits. */
type Inside =
  | { kind: "transaction"; calls: Called[] }
  /** Of which nothing is to remain. */
  | { kind: "doomed" }
  | { kind: "action" }
  | { kind: "undisturbed" };

/** Stands between a backend and its functions, and has them fail as `decide` says. */
export class FaultyFunctions {
  /** Committed calls that may come again. */
  readonly calls: Called[] = [];
  private readonly inside = new AsyncLocalStorage<Inside>();

  constructor(private readonly decide: Decide) {}

  readonly wrap = (modules: Modules, component: string): Modules =>
    Object.fromEntries(
      Object.entries(modules).map(([file, load]) => [
        file,
        async () => this.wrapModule(component, file, await load()),
      ]),
    );

  /** What `body` calls does not fail. What it schedules may. */
  async undisturbed<T>(body: () => Promise<T>): Promise<T> {
    return await this.inside.run({ kind: "undisturbed" }, body);
  }

  /** What `body` calls of a transaction fails as its last act. */
  async doomed<T>(body: () => Promise<T>): Promise<T> {
    return await this.inside.run({ kind: "doomed" }, body);
  }

  private wrapModule(component: string, file: string, module: unknown) {
    const name = file.replace(/^.*\/(?=[^/]+$)/, "").replace(/\.[jt]s$/, "");
    return Object.fromEntries(
      Object.entries(module as object).map(
        ([key, value]: [string, unknown]) => [
          key,
          isFunction(value)
            ? this.wrapFunction(component, `${name}:${key}`, value)
            : value,
        ],
      ),
    );
  }

  private wrapFunction(component: string, path: string, fn: ConvexFunction) {
    const { _handler, isMutation, isAction } = fn;
    if (!isMutation && !isAction) return fn;
    const handler: Handler = (ctx, args) => {
      const called = { component, path, args };
      return isAction
        ? this.action(called, _handler, ctx)
        : this.transaction(called, _handler, ctx);
    };
    return new Proxy(fn, {
      get: (target, key): unknown =>
        key === "_handler" ? handler : Reflect.get(target, key),
    });
  }

  private async transaction(called: Called, handler: Handler, ctx: Ctx) {
    const inside = this.inside.getStore();
    const run = () => this.runTransaction(called, handler, ctx);
    switch (inside?.kind) {
      case "undisturbed":
        return (await run()).result;
      case "doomed":
        await run();
        throw new Error("Injected: conflict");
      case "transaction":
        return await this.nested(called, run, inside.calls);
      case "action":
        return await this.calledByAction(called, run);
      case undefined:
        return await this.scheduled(called, run, ctx);
    }
  }

  private async runTransaction(called: Called, handler: Handler, ctx: Ctx) {
    const calls: Called[] = [];
    const inside = this.inside.getStore();
    const within: Inside =
      inside?.kind === "undisturbed" ? inside : { kind: "transaction", calls };
    const result = await this.inside.run(within, () =>
      handler(knowingErrors(called, ctx), called.args),
    );
    if (mayRepeat(called)) calls.push(called);
    return { result, calls };
  }

  private async nested(called: Called, run: Run, calls: Called[]) {
    const ran = await run();
    if (mayThrow(called) && this.decide(boundaryOf(called), "threw"))
      throw new Error(`Injected: ${called.path} threw`);
    calls.push(...ran.calls);
    return ran.result;
  }

  private async calledByAction(called: Called, run: Run) {
    const { result, calls } = await run();
    if (this.decide(boundaryOf(called), "conflict"))
      throw new Error("Injected: conflict");
    this.calls.push(...calls);
    return result;
  }

  private async scheduled(called: Called, run: Run, ctx: Ctx) {
    const boundary = boundaryOf(called);
    const faults: Fault[] = mayBeKilled(called)
      ? ["conflict", "killed"]
      : ["conflict"];
    const fault = this.decide(boundary, ...faults);
    if (fault === "conflict") await this.attemptInVain(called, ctx);
    const { result, calls } = await run();
    if (fault === "killed") throw new Error("Injected: killed");
    this.calls.push(...calls);
    return result;
  }

  /** In a transaction inside this one, whose end undoes all it did: as the platform does before it tries again. */
  private async attemptInVain({ component, path, args }: Called, ctx: Ctx) {
    const self = `function://${component};${path}`;
    await this.doomed(async () => {
      await (ctx["runMutation"] as Handler)(self as never, args).catch(
        () => undefined,
      );
    });
  }

  /** The process of an action that the pool runs. Those that it calls live and die with it. */
  private async action(called: Called, handler: Handler, ctx: Ctx) {
    const runIn = (ctx: Ctx) =>
      this.inside.run({ kind: "action" }, () => handler(ctx, called.args));
    if (this.inside.getStore()) return await runIn(ctx);
    const fault = this.decide("action", "died early", "died late");
    if (fault === "died early") throw new Error("Injected: died early");
    if (fault === "died late") {
      await runIn(unableToTell(ctx)).catch(() => undefined);
      throw new Error("Injected: died late");
    }
    return await runIn(this.misinformed(ctx));
  }

  private misinformed(ctx: Ctx): Ctx {
    const runMutation = ctx["runMutation"] as (
      ...args: unknown[]
    ) => Promise<unknown>;
    return {
      ...ctx,
      runMutation: async (...args: unknown[]) => {
        const result = await runMutation(...args);
        if (this.decide("completion", "reported"))
          throw new Error("Injected: committed, but reported as failed");
        return result;
      },
    };
  }
}

type Run = () => Promise<{ result: unknown; calls: Called[] }>;

const isFunction = (value: unknown): value is ConvexFunction =>
  typeof value === "function" && "_handler" in value;

/** A process that is dead does nothing any more. */
function unableToTell(ctx: Ctx): Ctx {
  const dead = () => Promise.reject(new Error("Injected: the process is dead"));
  return {
    ...ctx,
    runMutation: dead,
    scheduler: { runAfter: dead, runAt: dead, cancel: dead },
  };
}

/** The platform says why a scheduled function failed; convex-test does not. */
function knowingErrors({ path }: Called, ctx: Ctx): Ctx {
  if (path !== "recovery:recover") return ctx;
  const { db } = ctx;
  const get = async (...args: unknown[]) => {
    const job = await db.system.get(...args);
    return job?.state.kind === "failed"
      ? { ...job, state: { ...job.state, error: "The process died." } }
      : job;
  };
  return { ...ctx, db: { ...db, system: { ...db.system, get } } };
}
