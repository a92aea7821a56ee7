import { AsyncLocalStorage } from "node:async_hooks";
import type { Modules } from "./harness.js";
import { wrapFunctions } from "./wrapFunctions.js";

/** A function call in a backend. */
export interface WatchedCall {
  /** The path of its component, or "" for the app. */
  component: string;
  /** The function's path, such as `pool:onComplete`. */
  path: string;
  args: Record<string, any>;
  isAction: boolean;
  /** Absent while it runs and if it throws. */
  result?: unknown;
  /** Its nesting depth, starting at 1. */
  depth: number;
  /** The call that made it. */
  caller?: WatchedCall | undefined;
}

/** Returns the paths of a call's callers, nearest first. */
export const callersOf = ({ caller }: WatchedCall): string[] =>
  caller ? [caller.path, ...callersOf(caller)] : [];

/** Returns the call that began a call's transaction. */
export const transactionOf = (call: WatchedCall): WatchedCall =>
  call.caller && !call.caller.isAction ? transactionOf(call.caller) : call;

/** Shared by all backends, because every storage in use slows down all promises of its thread. */
const inside = new AsyncLocalStorage<WatchedCall>();

/** Records a backend's function calls. Use it as `newBackend({ wrap: calls.wrap })`. */
export class Calls {
  readonly all: WatchedCall[] = [];

  /** `before` may throw, so that the call fails. */
  constructor(
    private readonly before: (call: WatchedCall) => void = () => {},
  ) {}

  readonly wrap = (modules: Modules, component: string): Modules =>
    wrapFunctions(modules, (path, { _handler, isAction = false }) => {
      return (ctx, args) => {
        const caller = inside.getStore();
        const depth = (caller?.depth ?? 0) + 1;
        const call = { component, path, args, isAction, depth, caller };
        this.all.push(call);
        return inside.run(call, async () => {
          this.before(call);
          const result = await _handler(ctx, args);
          (call as WatchedCall).result = result;
          return result;
        });
      };
    });

  /** Returns the call that runs in this async context. */
  current(): WatchedCall | undefined {
    return inside.getStore();
  }

  of(path: string): WatchedCall[] {
    return this.all.filter((call) => call.path === path);
  }
}
