import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEnvironment, type EnvironmentSource } from "../environment.js";
import { exercise, EXERCISE_REPORT } from "./exercise.js";
import { differences, snapshotGlobals } from "./globalsSnapshot.js";

/** An environment's life among the globals of the test's own surroundings. */
export function environmentSuite(): void {
  const outside = console;
  let before = snapshotGlobals();

  beforeEach(() => {
    before = snapshotGlobals();
  });
  afterEach(() => {
    expect(differences(before, snapshotGlobals())).toEqual([]);
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  test("everything is deterministic within, and as it was after", () => {
    expect(exercise()).toEqual(EXERCISE_REPORT);
  });

  test("the same under fake timers, turned on between enters too", () => {
    vi.useFakeTimers();
    before = snapshotGlobals();
    expect(exercise()).toEqual(EXERCISE_REPORT);
    const environment = createEnvironment(source());
    environment.enter();
    environment.leave();
    vi.useRealTimers();
    before = snapshotGlobals();
    environment.enter();
    const date = new Date();
    const own = date.constructor === Date;
    environment.leave();
    expect([date.getTime(), own]).toEqual([0, true]);
  });

  test("fetch and timers are left alone", () => {
    const names = ["fetch", "setTimeout", "clearTimeout", "setInterval"];
    const read = () => names.map((name) => Reflect.get(globalThis, name));
    const real = read();
    const environment = createEnvironment(source());
    environment.enter();
    const within = read();
    environment.leave();
    expect(within).toEqual(real);
  });

  test("console prints when live, by whatever spies on the real one", () => {
    let live = false;
    const spy = vi.spyOn(outside, "log").mockImplementation(() => {});
    const environment = createEnvironment(source({ isLive: () => live }));
    before = snapshotGlobals();
    environment.enter();
    console.log("replaying");
    console.count();
    live = true;
    console.log("live");
    environment.leave();
    environment.enter();
    console.count();
    environment.leave();
    console.log("outside");
    expect(spy.mock.calls).toEqual([["live"], ["default: 2"], ["outside"]]);
  });

  test("the runner's own console works within", () => {
    const environment = createEnvironment(source());
    const real = outside.debug;
    let printed = 0;
    vi.spyOn(outside, "debug").mockImplementation((...args) => {
      printed++;
      real.apply(outside, args);
    });
    before = snapshotGlobals();
    environment.enter();
    console.debug("(printed by a handler)");
    environment.leave();
    expect(printed).toBe(1);
  });

  test("what a handler assigns to globals is lost when it is entered again, left or not", () => {
    const environment = createEnvironment(source());
    const all: unknown = Reflect.get(Promise, "all");
    environment.enter();
    const { Date: date, Math: math, process } = globalThis;
    Reflect.deleteProperty(globalThis, "crypto");
    Object.assign(globalThis, { Date: 1, Math: {}, process: 2 });
    environment.enter();
    const seen = [
      ...[globalThis.Date === date, globalThis.Math === math],
      ...[globalThis.process === process, "crypto" in globalThis],
    ];
    environment.leave();
    expect(seen).toEqual([true, true, true, true]);
    expect(Reflect.get(Promise, "all")).toBe(all);
  });

  test("the current time follows the source", () => {
    let now = 1;
    const environment = createEnvironment(source({ now: () => now }));
    environment.enter();
    const times = [Date.now()];
    now = 2;
    times.push(Date.now(), new Date().getTime());
    environment.leave();
    environment.enter();
    now = 3;
    times.push(Date.now());
    environment.leave();
    expect(times).toEqual([1, 2, 2, 3]);
  });

  test("timers of the console go on across enters", () => {
    let now = 10;
    const spy = vi.spyOn(outside, "log").mockImplementation(() => {});
    before = snapshotGlobals();
    const environment = createEnvironment(source({ now: () => now }));
    environment.enter();
    console.time("step");
    console.group();
    environment.leave();
    now = 35;
    environment.enter();
    console.timeEnd("step");
    environment.leave();
    expect(spy.mock.calls).toEqual([["  step: 25ms"]]);
  });

  test("a source's methods are called on it", () => {
    class Source implements EnvironmentSource {
      private time = 77;
      runId = "run";
      now() {
        return this.time;
      }
      isLive() {
        return this.time === 0;
      }
    }
    const environment = createEnvironment(new Source());
    environment.enter();
    const now = Date.now();
    console.log("");
    console.time();
    environment.leave();
    expect(now).toBe(77);
  });

  test("entering twice and leaving twice are entering and leaving once", () => {
    const environment = createEnvironment(source());
    environment.leave();
    environment.enter();
    environment.enter();
    environment.leave();
    expect(differences(before, snapshotGlobals())).toEqual([]);
    environment.leave();
  });

  test("an environment within an environment leaves the outer one", () => {
    const outer = createEnvironment(source({ now: () => 1 }));
    const inner = createEnvironment(source({ now: () => 2, runId: "inner" }));
    const combined = createEnvironment(
      source({ combinators: { all: async () => [] } }),
    );
    outer.enter();
    const [date, math, all] = [Date, Math, Reflect.get(Promise, "all")];
    inner.enter();
    combined.enter();
    const times = [Date.now()];
    combined.leave();
    times.push(Date.now());
    inner.leave();
    times.push(Date.now());
    const same = [
      Date === date,
      Math === math,
      Reflect.get(Promise, "all") === all,
    ];
    outer.leave();
    expect(times).toEqual([0, 2, 1]);
    expect(same).toEqual([true, true, true]);
  });

  test("when patching fails midway, what was patched is restored", () => {
    const crypto = Object.getOwnPropertyDescriptor(globalThis, "crypto")!;
    Object.defineProperty(globalThis, "crypto", {
      get() {
        throw new Error("unreadable");
      },
      set() {},
      configurable: true,
    });
    const broken = snapshotGlobals();
    const environment = createEnvironment(source());
    let error: unknown;
    try {
      environment.enter();
    } catch (thrown) {
      error = thrown;
    }
    const left = differences(broken, snapshotGlobals());
    environment.leave();
    Object.defineProperty(globalThis, "crypto", crypto);
    expect(error).toEqual(new Error("unreadable"));
    expect(left).toEqual([]);
    environment.enter();
    const now = Date.now();
    environment.leave();
    expect(now).toBe(0);
  });

  test("when the combinators can't be patched, the globals are restored", () => {
    const environment = createEnvironment(
      source({ combinators: { all: async () => [] } }),
    );
    const all = Object.getOwnPropertyDescriptor(Promise, "all")!;
    Object.defineProperty(Promise, "all", {
      get() {
        throw new Error("unreadable");
      },
      set() {},
      configurable: true,
    });
    let error: unknown;
    try {
      environment.enter();
    } catch (thrown) {
      error = thrown;
    }
    Object.defineProperty(Promise, "all", all);
    expect(error).toEqual(new Error("unreadable"));
    expect(differences(before, snapshotGlobals())).toEqual([]);
  });

  test("entering and leaving defines at most 60 properties, as many the tenth time as the second", () => {
    const environment = createEnvironment(
      source({ combinators: { all: async () => [] } }),
    );
    let defined = 0;
    const { defineProperty } = Object;
    Object.defineProperty = (...args) => {
      defined++;
      return defineProperty(...args);
    };
    const counts: number[] = [];
    try {
      for (let i = 0; i < 10; i++) {
        defined = 0;
        environment.enter();
        environment.leave();
        counts.push(defined);
      }
    } finally {
      Object.defineProperty = defineProperty;
    }
    expect(counts[9]).toBe(counts[1]);
    expect(counts[9]).toBeGreaterThan(0);
    expect(counts[9]).toBeLessThanOrEqual(60);
  });
}

function source(overrides: Partial<EnvironmentSource> = {}): EnvironmentSource {
  return { now: () => 0, isLive: () => true, runId: "run", ...overrides };
}
