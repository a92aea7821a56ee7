import { setImmediate } from "node:timers";
import { afterEach, beforeEach, vi } from "vitest";

export const START = 1_700_000_000_000;

interface Timer {
  at: number;
  callback: () => void;
}

/**
 * Timers that go off one by one, as told. (Those of `vi` that are due at one moment go off together:
 * then no state between them could be looked at, or switched at.)
 */
class Timers {
  private readonly waiting = new Map<number, Timer>();
  private last = 0;

  install() {
    vi.stubGlobal("setTimeout", (callback: () => void, ms = 0) => {
      this.waiting.set(++this.last, { at: Date.now() + ms, callback });
      return this.last;
    });
    vi.stubGlobal("clearTimeout", (id: number) => this.waiting.delete(id));
  }

  /** False: there is none. */
  fireNext(): boolean {
    const all = [...this.waiting];
    const [first] = all.sort(([, a], [, b]) => a.at - b.at);
    if (!first) return false;
    const [id, { at, callback }] = first;
    this.waiting.delete(id);
    vi.setSystemTime(Math.max(at, Date.now()));
    callback();
    return true;
  }
}

let timers: Timers;

/**
 * For every test on a deployment. Time passes only as told, what is random outside of handlers (the
 * delay of a retry) is not, and what is logged of steps that are to fail is not shown.
 */
export function useDeployments() {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(START);
    timers = new Timers();
    timers.install();
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    for (const method of ["log", "info", "warn", "error"] as const)
      vi.spyOn(console, method).mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
}

/** One timer, and all that it brings about. False: there is none. */
export async function nextTimer(): Promise<boolean> {
  if (!timers.fireNext()) return false;
  await settle();
  return true;
}

const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve));

let hostCalls = 0;

/** Lets everything go on that doesn't wait for a timer. */
export async function settle() {
  for (let quiet = 0, seen = -1; quiet < 3;) {
    await macrotask();
    quiet = hostCalls === seen ? quiet + 1 : 0;
    seen = hostCalls;
  }
}

const drained = new WeakSet<object>();

interface ConvexGlobal {
  readonly asyncSyscall: (...call: string[]) => Promise<string>;
}

/**
 * Awaiting a call to the host drains all microtasks on the platform, and here from now on: steps are
 * recorded in the order in which a real deployment would record them.
 */
export function makeHostCallsDrain() {
  const { Convex } = globalThis as unknown as { Convex: ConvexGlobal };
  if (drained.has(Convex)) return;
  drained.add(Convex);
  const own = Object.getOwnPropertyDescriptor(Convex, "asyncSyscall")!;
  const ownCall = () => own.get!.call(Convex) as ConvexGlobal["asyncSyscall"];
  Object.defineProperty(Convex, "asyncSyscall", {
    // It belongs to the deployment that asks for it.
    get() {
      const call = ownCall();
      return async (...args: string[]) => {
        hostCalls++;
        await macrotask();
        return await call(...args);
      };
    },
  });
}
