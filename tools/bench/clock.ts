import { setImmediate } from "node:timers";

/** The time at which every backend begins. */
const START = 1_700_000_000_000;

interface Timer {
  id: number;
  at: number;
  callback: () => void;
}

/**
 * Time that passes only on demand. Timers fire one by one, by time and then in the order in which they were set.
 * Everything that one starts settles before the next fires, so nothing depends on the machine.
 */
export class Clock {
  private now = START;
  private timers = new Map<number, Timer>();
  private last = 0;
  private installed = false;

  /** Replaces the machine's clock for the rest of the process. */
  install() {
    if (this.installed) return;
    this.installed = true;
    const now = () => this.now;
    globalThis.Date = new Proxy(Date, {
      construct: (target, args, newTarget) =>
        Reflect.construct(
          target,
          args.length > 0 ? args : [now()],
          newTarget,
        ) as Date,
      get: (target, key, receiver) =>
        key === "now" ? now : Reflect.get(target, key, receiver),
    });
    Object.assign(globalThis, {
      setTimeout: (callback: () => void, ms?: number) => this.set(callback, ms),
      clearTimeout: (id: number) => this.timers.delete(id),
    });
  }

  /** Forgets all timers, and begins again. */
  reset() {
    this.now = START;
    this.timers.clear();
  }

  elapsed(): number {
    return this.now - START;
  }

  /** Works inside functions too, where `setTimeout` may be refused. */
  async sleep(ms: number): Promise<void> {
    if (ms > 0) await new Promise<void>((resolve) => this.set(resolve, ms));
  }

  /**
   * Fires timers until `done` returns true, no timer is left, or `longest` milliseconds have passed. Returns
   * whether it is done.
   */
  async runUntil(done: () => boolean, longest: number): Promise<boolean> {
    const end = this.now + longest;
    for (;;) {
      await settle();
      if (done()) return true;
      const next = this.next();
      if (!next || next.at > end) return false;
      this.timers.delete(next.id);
      this.now = Math.max(this.now, next.at);
      next.callback();
    }
  }

  /** Runs everything that is due within the next `ms` milliseconds. */
  async runFor(ms: number) {
    let reached = false;
    this.set(() => (reached = true), ms);
    await this.runUntil(() => reached, ms);
  }

  private set(callback: () => void, ms: number = 0): number {
    const id = ++this.last;
    this.timers.set(id, {
      id,
      at: this.now + Math.max(0, Math.round(ms)),
      callback,
    });
    return id;
  }

  private next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers.values())
      if (!first || timer.at < first.at) first = timer;
    return first;
  }
}

/** Drains all promises between two timers. One macrotask is enough, because nothing else runs. */
async function settle() {
  for (let quiet = 0; quiet < 2; quiet++)
    await new Promise((resolve) => setImmediate(resolve));
}

export const clock = new Clock();
