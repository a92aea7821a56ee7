import { AsyncLocalStorage } from "node:async_hooks";
import type { Modules } from "../../harness.js";
import { wrapFunctions, type Handler } from "../../wrapFunctions.js";
import {
  boundaryOf,
  mayBeKilled,
  mayRepeat,
  mayThrow,
  type Called,
} from "./boundaries.js";
import type { Decide, Fault } from "./faults.js";

type Ctx = Record<string, any>;

/** The process of an action and of the actions that it calls. */
interface Process {
  hasCrashed: boolean;
}

/** The platform's error. No function throws an error that begins like this. */
export const REFUSAL =
  "Too many concurrent requests in a short period of time. Spread your requests out over time or throttle them to avoid errors.";

/** Longer than a driver may run, so that another replaces it. */
const TOO_LONG_MS = 80 * 60_000;

/** The context in which code runs. A transaction keeps its calls, which count if it commits. */
type Inside =
  | { kind: "transaction"; calls: Called[] }
  /** A transaction that will be rolled back. */
  | { kind: "rolledBack" }
  | { kind: "action"; process: Process }
  | { kind: "faultless" };

/** Shared by all backends, because every storage in use slows down all promises of its thread. */
const inside = new AsyncLocalStorage<Inside>();

/** Wraps a backend's functions and makes them fail as `decide` returns. */
export class FaultyFunctions {
  /** Committed calls that may be delivered again. */
  readonly calls: Called[] = [];

  constructor(
    private readonly decide: Decide,
    private readonly stallMs = TOO_LONG_MS,
  ) {}

  readonly wrap = (modules: Modules, component: string): Modules =>
    wrapFunctions(modules, (path, { _handler, isMutation, isAction }) => {
      if (!isMutation && !isAction) return _handler;
      return (ctx, args) => {
        const called = { component, path, args };
        return isAction
          ? this.action(called, _handler, ctx)
          : this.transaction(called, _handler, ctx);
      };
    });

  /** Runs `body` without faults in its calls. Functions that it schedules may still fail. */
  async withoutFaults<T>(body: () => Promise<T>): Promise<T> {
    return await inside.run({ kind: "faultless" }, body);
  }

  /** Runs `body` inside a transaction that fails at its end. */
  async rolledBack<T>(body: () => Promise<T>): Promise<T> {
    return await inside.run({ kind: "rolledBack" }, body);
  }

  private async transaction(called: Called, handler: Handler, ctx: Ctx) {
    const outer = inside.getStore();
    const run = () => this.runTransaction(called, handler, ctx);
    switch (outer?.kind) {
      case "faultless":
        return (await run()).result;
      case "rolledBack":
        await run();
        throw new Error("Injected: conflict");
      case "transaction":
        return await this.nested(called, run, outer.calls);
      case "action":
        return await this.calledByAction(called, run);
      case undefined:
        return await this.scheduled(called, run, ctx);
    }
  }

  private async runTransaction(called: Called, handler: Handler, ctx: Ctx) {
    const calls: Called[] = [];
    const outer = inside.getStore();
    const within: Inside =
      outer?.kind === "faultless" ? outer : { kind: "transaction", calls };
    const result = await inside.run(within, () =>
      handler(withJobErrors(called, ctx), called.args),
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
    const boundary = boundaryOf(called);
    if (boundary === "driven turn" && this.decide(boundary, "refused"))
      throw new Error(REFUSAL);
    const { result, calls } = await run();
    const fault =
      boundary === "driven turn"
        ? this.decide(boundary, "conflict", "failed")
        : this.decide(boundary, "conflict");
    if (fault) throw new Error(`Injected: ${fault}`);
    this.calls.push(...calls);
    return result;
  }

  private async scheduled(called: Called, run: Run, ctx: Ctx) {
    const boundary = boundaryOf(called);
    const faults: Fault[] = mayBeKilled(called)
      ? ["conflict", "killed"]
      : ["conflict"];
    const fault = this.decide(boundary, ...faults);
    if (fault === "conflict") await this.attemptAndRollBack(called, ctx);
    const { result, calls } = await run();
    if (fault === "killed") throw new Error("Injected: killed");
    this.calls.push(...calls);
    return result;
  }

  /** Runs the call in a nested transaction and rolls it back, as the platform does before a retry. */
  private async attemptAndRollBack(
    { component, path, args }: Called,
    ctx: Ctx,
  ) {
    const self = `function://${component};${path}`;
    await this.rolledBack(async () => {
      await (ctx["runMutation"] as Handler)(self as never, args).catch(
        () => undefined,
      );
    });
  }

  /** Runs an action of the workpool in its own process. Actions that it calls crash together with it. */
  private async action(called: Called, handler: Handler, ctx: Ctx) {
    const outer = inside.getStore();
    const process =
      outer?.kind === "action" ? outer.process : { hasCrashed: false };
    const runIn = (ctx: Ctx) =>
      inside.run({ kind: "action", process }, () =>
        handler(stoppedByCrash(ctx, process), called.args),
      );
    if (boundaryOf(called) === "driver")
      return await runIn(this.withDriverFaults(ctx, process));
    if (outer) {
      const isOfUser = called.component === "";
      if (isOfUser && this.decide("action", "refused"))
        throw new Error(REFUSAL);
      return await runIn(ctx);
    }
    const fault = this.decide("action", "crashed early", "crashed late");
    if (fault === "crashed early") throw new Error("Injected: crashed early");
    if (fault === "crashed late") {
      await runIn(crashedContext(ctx)).catch(() => undefined);
      throw new Error("Injected: crashed late");
    }
    const result = await runIn(this.withLostReplies(ctx));
    if (process.hasCrashed) throw new Error("Injected: crashed while it ran");
    return result;
  }

  /** Injects faults between a driver's calls and into their replies. */
  private withDriverFaults(ctx: Ctx, process: Process): Ctx {
    const runMutation = ctx["runMutation"] as Call;
    const crash = () => {
      process.hasCrashed = true;
      throw new Error("Injected: the process has crashed");
    };
    return {
      ...ctx,
      runMutation: async (...args: unknown[]) => {
        const before = this.decide("driver", "crashed before", "stalled");
        if (before === "crashed before") crash();
        if (before === "stalled")
          await new Promise((resolve) => setTimeout(resolve, this.stallMs));
        const result = await runMutation(...args);
        const after = this.decide(
          "driver",
          "crashed after",
          "reported",
          "reported conflict",
        );
        if (after === "crashed after") crash();
        if (after) throw new Error(`Injected: committed, but ${after}`);
        return result;
      },
    };
  }

  private withLostReplies(ctx: Ctx): Ctx {
    const runMutation = ctx["runMutation"] as Call;
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

type Call = (...args: unknown[]) => Promise<unknown>;
type Run = () => Promise<{ result: unknown; calls: Called[] }>;

/** Stops the action once its process has crashed. */
function stoppedByCrash(ctx: Ctx, process: Process): Ctx {
  const crashed = crashedContext(ctx);
  const unlessCrashed =
    (name: "runMutation" | "runAction"): Call =>
    (...args) =>
      process.hasCrashed
        ? crashed["runMutation"]()
        : (ctx[name] as Call)(...args);
  return {
    ...ctx,
    runMutation: unlessCrashed("runMutation"),
    runAction: unlessCrashed("runAction"),
    get scheduler(): unknown {
      return process.hasCrashed ? crashed["scheduler"] : ctx["scheduler"];
    },
  };
}

/** Makes a crashed process unable to report anything. */
function crashedContext(ctx: Ctx): Ctx {
  const crashed = () =>
    Promise.reject(new Error("Injected: the process has crashed"));
  return {
    ...ctx,
    runMutation: crashed,
    scheduler: { runAfter: crashed, runAt: crashed, cancel: crashed },
  };
}

/** Adds the error of a failed scheduled function, which the platform records but convex-test doesn't. */
function withJobErrors({ path }: Called, ctx: Ctx): Ctx {
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
