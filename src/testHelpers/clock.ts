import { fakeClock, type FakeClock, type Test } from "./backends.js";
import type { Remaining } from "./remaining.js";

/** Lets time pass, with fake timers or in real time. */
export interface Time {
  /** Lets the running functions finish. */
  settle(t: Test): Promise<void>;
  /** Lets time pass until the next timer. */
  advance(readLeft: () => Promise<Remaining[]>): Promise<void>;
  /** Runs the next function that is already due. Returns false if there is none. */
  runDue(): Promise<boolean>;
}

export function currentTime(): Time {
  const clock = fakeClock();
  return clock ? new FakeTime(clock) : new RealTime();
}

// As in convex-test, captured before a test installs fake timers.
const realSetTimeout = globalThis.setTimeout.bind(globalThis);

/** One turn of the event loop. */
const realTurn = (ms = 0) =>
  new Promise<void>((resolve) => {
    realSetTimeout(resolve, ms);
  });

/** After this many turns of the event loop, a function is assumed to wait for its own timer. */
const IDLE_TURNS = 20;

class FakeTime implements Time {
  private readonly clock: FakeClock;
  private readonly own: Set<unknown>;
  private idleTurns = 0;
  private fired = 0;

  constructor(clock: FakeClock) {
    this.clock = clock;
    this.own = ownTimers(clock);
  }

  /** An action may wait for its own timer, so time must pass while it runs. */
  async settle(t: Test) {
    let isDone = false;
    const running = t.finishInProgressScheduledFunctions().finally(() => {
      isDone = true;
    });
    // If it fails after this gave up waiting, the next call reports it.
    running.catch(() => undefined);
    for (let idle = 0; idle < IDLE_TURNS;) {
      await Promise.race([running, realTurn()]);
      if (isDone) return;
      this.check();
      idle = this.own.size > 0 ? idle + 1 : 0;
    }
  }

  async advance() {
    this.check();
    if (this.clock.countTimers() > 0) {
      this.idleTurns = 0;
      this.clock.next();
      // Vitest's own timeout needs a turn of the event loop.
      if (++this.fired % 50 === 0) await realTurn();
      return;
    }
    if (this.idleTurns++ > IDLE_TURNS)
      throw new Error(
        "Runs have work left, but no fake timer is pending. Call vi.useFakeTimers() before you start runs.",
      );
    await realTurn();
  }

  runDue() {
    this.check();
    // This timer fires after everything else that is due.
    let isReached = false;
    const last = this.clock.setTimeout(() => {
      isReached = true;
    }, DUE_MS);
    this.clock.next();
    this.clock.clearTimeout(last);
    return Promise.resolve(!isReached);
  }

  /** A test that ended has restored its timers. Its helpers must not touch the next test's timers. */
  private check() {
    if (fakeClock() !== this.clock)
      throw new Error(
        "The fake timers were restored or replaced while workflows were running.",
      );
    if (Math.abs(Date.now() - this.clock.now) > TOLERANCE_MS)
      throw halfFaked("setTimeout is fake, but Date isn't");
  }
}

/** Sleeps compare their end with Date, so it must pass together with timers. */
const halfFaked = (what: string) =>
  new Error(
    `${what}, so no time passes for workflows. Call vi.useFakeTimers() without toFake before you start runs.`,
  );

const TOLERANCE_MS = 1000;

/** While the clock stands still, convex-test's transactions may be up to a millisecond ahead. */
const DUE_MS = 1;

const watched = new WeakMap<FakeClock, Set<unknown>>();

/** Returns the pending timers that convex-test didn't set. */
function ownTimers(clock: FakeClock): Set<unknown> {
  const known = watched.get(clock);
  if (known) return known;
  const own = new Set<unknown>();
  watched.set(clock, own);
  const { setTimeout, clearTimeout } = clock;
  clock.setTimeout = (callback, ...rest) => {
    if (isScheduledFunction(callback))
      return setTimeout.call(clock, callback, ...rest);
    const id = setTimeout.call(
      clock,
      (...args: []) => {
        own.delete(id);
        callback(...args);
      },
      ...rest,
    );
    own.add(id);
    return id;
  };
  clock.clearTimeout = (id) => {
    own.delete(id);
    clearTimeout.call(clock, id);
  };
  return own;
}

/** An unknown callback counts as the app's own timer, which only costs time. */
const isScheduledFunction = (callback: () => void) =>
  String(callback).includes("timerFired");

/** The longest time to wait in real time if nothing is due earlier. */
const LONGEST_REAL_WAIT_MS = 5000;

class RealTime implements Time {
  private turns = 0;
  private readonly startedAt = Date.now();
  private waited = 0;

  async settle(t: Test) {
    await t.finishInProgressScheduledFunctions();
  }

  async advance(readLeft: () => Promise<Remaining[]>) {
    const left = await readLeft();
    const [next] = left.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
    const ms = (next?.dueAt ?? 0) - Date.now();
    if (ms > LONGEST_REAL_WAIT_MS)
      throw new Error(
        `${next!.what}, which is due in ${ms} ms. Call vi.useFakeTimers() before you start runs, so that time can pass at once.`,
      );
    this.turns = 0;
    await realTurn(10);
    if (++this.waited >= 10 && Date.now() === this.startedAt)
      throw halfFaked("Date is mocked, but setTimeout isn't");
  }

  async runDue() {
    await realTurn(1);
    return this.turns++ < 2;
  }
}
