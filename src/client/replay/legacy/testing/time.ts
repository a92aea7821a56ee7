import { setImmediate } from "node:timers";
import { afterEach, beforeEach, vi } from "vitest";

export const START = 1_700_000_000_000;

interface Timer {
  at: number;
  callback: () => void;
}

/**
 * Timers that fire one at a time, on request. The fake timers of `vi` fire together if they are due at the
 * same moment, so a test couldn't switch releases between them.
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

  /** Fires the earliest timer, or returns false if there is none. */
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
 * Sets up every test on a deployment. Time passes only on request, and nothing outside handlers is random, such
 * as a retry's delay. The console is silent, because steps fail on purpose.
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

/** Fires one timer and runs everything that it triggers. Returns false if there is none. */
export async function nextTimer(): Promise<boolean> {
  if (!timers.fireNext()) return false;
  await settle();
  return true;
}

const macrotask = () => new Promise<void>((resolve) => setImmediate(resolve));

let hostCalls = 0;

/** Runs everything that doesn't wait for a timer. */
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
 * Makes host calls drain all microtasks, as they do on the platform. Steps are then recorded in the same
 * order as on a real deployment.
 */
export function makeHostCallsDrain() {
  const { Convex } = globalThis as unknown as { Convex: ConvexGlobal };
  if (drained.has(Convex)) return;
  drained.add(Convex);
  const own = Object.getOwnPropertyDescriptor(Convex, "asyncSyscall")!;
  const ownCall = () => own.get!.call(Convex) as ConvexGlobal["asyncSyscall"];
  Object.defineProperty(Convex, "asyncSyscall", {
    // Each deployment has its own `asyncSyscall`, so read it on every access.
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
