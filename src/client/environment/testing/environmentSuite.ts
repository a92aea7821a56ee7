import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEnvironment, type EnvironmentSource } from "../environment.js";
import { exercise, EXERCISE_REPORT } from "./exercise.js";
import { differences, snapshotGlobals } from "./globalsSnapshot.js";

/** Tests an environment among the globals of the runtime in which the test itself runs. */
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

  function spyOnConsole(method: "log" | "debug") {
    const spy = vi.spyOn(outside, method);
    before = snapshotGlobals();
    return spy;
  }

  test("a handler sees deterministic globals, and leaving restores the real ones", () => {
    expect(exercise()).toEqual(EXERCISE_REPORT);
  });

  test("fake timers change nothing for a handler, even if they are turned off between two enters", () => {
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

  test("entering doesn't replace fetch or timers", () => {
    const names = ["fetch", "setTimeout", "clearTimeout", "setInterval"];
    const read = () => names.map((name) => Reflect.get(globalThis, name));
    const real = read();
    const environment = createEnvironment(source());
    environment.enter();
    const within = read();
    environment.leave();
    expect(within).toEqual(real);
  });

  test("console prints only when live, through a spy on the real console", () => {
    let live = false;
    const spy = spyOnConsole("log").mockImplementation(() => {});
    const environment = createEnvironment(source({ isLive: () => live }));
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

  test("a spy on the test runner's console sees a handler's output", () => {
    const environment = createEnvironment(source());
    const spy = spyOnConsole("debug");
    environment.enter();
    console.debug("(printed by a handler)");
    environment.leave();
    expect(spy).toHaveBeenCalledTimes(1);
  });

  test("time follows the source, and console timers and groups continue across enters", () => {
    class Source implements EnvironmentSource {
      time = 1;
      runId = "run";
      now() {
        return this.time;
      }
      isLive() {
        return this.time > 2;
      }
    }
    const spy = spyOnConsole("log").mockImplementation(() => {});
    const given = new Source();
    const environment = createEnvironment(given);
    environment.enter();
    const times = [Date.now()];
    console.time("step");
    console.group("replayed");
    given.time = 2;
    times.push(Date.now(), new Date().getTime());
    environment.leave();
    environment.enter();
    given.time = 3;
    times.push(Date.now());
    console.timeEnd("step");
    environment.leave();
    expect(times).toEqual([1, 2, 2, 3]);
    expect(spy.mock.calls).toEqual([["  step: 2ms"]]);
  });

  test("entering or leaving twice has the same effect as once", () => {
    const environment = createEnvironment(source());
    environment.leave();
    environment.enter();
    environment.enter();
    environment.leave();
    expect(differences(before, snapshotGlobals())).toEqual([]);
    environment.leave();
  });

  test("leaving an inner environment restores the outer one", () => {
    const outer = createEnvironment(source({ now: () => 1 }));
    const inner = createEnvironment(source({ now: () => 2, runId: "inner" }));
    const combined = createEnvironment(source(COMBINED));
    const look = () => [Date, Math, Reflect.get(Promise, "all")];
    outer.enter();
    const own = look();
    inner.enter();
    combined.enter();
    const times = [Date.now()];
    combined.leave();
    times.push(Date.now());
    inner.leave();
    times.push(Date.now());
    const same = look().map((value, at) => value === own[at]);
    outer.leave();
    expect(times).toEqual([0, 2, 1]);
    expect(same).toEqual([true, true, true]);
  });

  test.each([
    ["globals", globalThis, "crypto"],
    ["combinators", Promise, "all"],
  ])(
    "if patching fails midway, everything already patched is restored: %s",
    (_what, owner, name) => {
      const environment = createEnvironment(source(COMBINED));
      const intact = Object.getOwnPropertyDescriptor(owner, name)!;
      Object.defineProperty(owner, name, {
        get() {
          throw new Error("unreadable");
        },
        set() {},
        configurable: true,
      });
      const broken = snapshotGlobals();
      let error: unknown;
      try {
        environment.enter();
      } catch (thrown) {
        error = thrown;
      }
      const left = differences(broken, snapshotGlobals());
      environment.leave();
      Object.defineProperty(owner, name, intact);
      expect(error).toEqual(new Error("unreadable"));
      expect(left).toEqual([]);
      environment.enter();
      const now = Date.now();
      environment.leave();
      expect(now).toBe(0);
    },
  );

  test("entering and leaving defines at most 60 properties, and no more the tenth time than the second", () => {
    const environment = createEnvironment(source(COMBINED));
    const define = vi.spyOn(Object, "defineProperty");
    const counts: number[] = [];
    for (let i = 0; i < 10; i++) {
      define.mockClear();
      environment.enter();
      environment.leave();
      counts.push(define.mock.calls.length);
    }
    define.mockRestore();
    expect(counts[9]).toBe(counts[1]);
    expect(counts[9]).toBeGreaterThan(0);
    expect(counts[9]).toBeLessThanOrEqual(60);
  });
}

const COMBINED = { combinators: { all: async () => [] } };

function source(overrides: Partial<EnvironmentSource> = {}): EnvironmentSource {
  return { now: () => 0, isLive: () => true, runId: "run", ...overrides };
}
