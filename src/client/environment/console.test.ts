import { describe, expect, test, vi } from "vitest";
import { createConsole } from "./console.js";

function setUp(real: object = recorder()) {
  const state = { live: true, now: 1000 };
  const view = createConsole({
    isLive: () => state.live,
    now: () => state.now,
  });
  view.printTo(real);
  return { state, view, console: view.console as Console };
}

/** A console with all of Node's methods, which prints to `lines`. */
function recorder(names = Object.keys(globalThis.console)) {
  const lines: unknown[][] = [];
  const methods = names
    .filter((name) => name !== "Console")
    .map((name) => [
      name,
      (...args: unknown[]) => void lines.push([name, ...args]),
    ]);
  return { ...(Object.fromEntries(methods) as Console), lines };
}

const PLATFORM = [
  ...["debug", "error", "info", "log", "warn", "trace"],
  ...["time", "timeLog", "timeEnd"],
];

test("every method of the real console, even a custom one, prints only when live", () => {
  const real = recorder([...Object.keys(globalThis.console), "special"]);
  const { console, state } = setUp(real);
  const stateful =
    /^(count|countReset|time|timeEnd|timeLog|group|groupCollapsed|groupEnd)$/;
  const names = Object.keys(real).filter(
    (name) => name !== "lines" && !stateful.test(name),
  );
  expect(names).toEqual(
    expect.arrayContaining(["log", "table", "dir", "assert", "special"]),
  );
  const methods = console as unknown as Record<string, (x: unknown) => unknown>;

  state.live = false;
  for (const name of names) expect(methods[name]!(false)).toBe(undefined);
  expect(real.lines).toEqual([]);

  state.live = true;
  for (const name of names) methods[name]!(false);
  expect(real.lines).toEqual(names.map((name) => [name, false]));
});

test("arguments and `this` reach the real console unchanged", () => {
  const real = {
    seen: [] as unknown[],
    log(this: { seen: unknown[] }, ...args: unknown[]) {
      this.seen.push(...args);
    },
  };
  const { console } = setUp(real);
  const object = {};
  const { log } = console;
  log("%s", object);
  expect(real.seen).toEqual(["%s", object]);
  expect(real.seen[1]).toBe(object);
});

test("it prints to the latest console, with the method that it has at the time of the call", () => {
  const [first, second] = [recorder(), recorder()];
  const { console, view } = setUp(first);
  const spy = vi.spyOn(first, "log").mockImplementation(() => {});
  console.log("seen");
  expect(spy.mock.calls).toEqual([["seen"]]);
  spy.mockRestore();
  console.log(1);
  view.printTo(second);
  console.log(2);
  view.printTo(undefined);
  console.log(3);
  expect(first.lines).toEqual([["log", 1]]);
  expect(second.lines).toEqual([
    ["log", 2],
    ["log", 3],
  ]);
});

describe("state from a silent replay continues when live:", () => {
  type Scene = { console: Console; state: { now: number } };
  test.each<[string, (at: Scene) => void, (at: Scene) => void, unknown[][]]>([
    [
      "counters",
      ({ console }) => {
        console.count();
        console.count("a");
        console.count("a");
        console.count("b");
        console.countReset("b");
        console.countReset("never");
      },
      ({ console }) => {
        console.count();
        console.count("a");
        console.count("b");
        console.countReset("a");
        console.count("a");
        console.countReset("never");
      },
      [
        ["log", "default: 2"],
        ["log", "a: 3"],
        ["log", "b: 1"],
        ["log", "a: 1"],
        ["warn", "Count for 'never' does not exist"],
      ],
    ],
    [
      "timers, which measure the run's time",
      ({ console, state }) => {
        console.time("a");
        console.time();
        state.now += 250;
        console.timeLog("a");
      },
      ({ console, state }) => {
        state.now += 1000;
        console.timeLog("a", "data", 1);
        console.time("a");
        console.timeEnd("a");
        console.timeEnd("a");
        console.timeLog("a");
        console.timeEnd();
      },
      [
        ["log", "a: 1250ms", "data", 1],
        ["warn", "Timer 'a' already exists"],
        ["log", "a: 1250ms"],
        ["warn", "Timer 'a' does not exist"],
        ["warn", "Timer 'a' does not exist"],
        ["log", "default: 1250ms"],
      ],
    ],
    [
      "groups, which indent what is printed",
      ({ console }) => console.group("outer"),
      ({ console }) => {
        console.warn("a\nb", { x: 1 });
        console.groupCollapsed("inner", 2);
        console.log({ x: 1 });
        console.error();
        console.count();
        console.groupEnd();
        console.groupEnd();
        console.groupEnd();
        console.group();
        console.log("in");
        console.groupEnd();
        console.log("out");
      },
      [
        ["warn", "  a\n  b", { x: 1 }],
        ["log", "  inner", 2],
        ["log", "   ", { x: 1 }],
        ["error", "   "],
        ["log", "    default: 1"],
        ["log", "  in"],
        ["log", "out"],
      ],
    ],
  ])("%s", (_what, whileReplaying, live, lines) => {
    const real = recorder();
    const scene = setUp(real);
    scene.state.live = false;
    whileReplaying(scene);
    scene.state.live = true;
    live(scene);
    expect(real.lines).toEqual(lines);
  });
});

test("methods that Convex's console lacks are formatted for those that it has", () => {
  const real = recorder(PLATFORM);
  const { console, state } = setUp(real);
  const everything = () => {
    console.group("group");
    console.count();
    console.groupEnd();
    console.groupCollapsed("collapsed");
    console.groupEnd();
    console.time();
    console.timeLog();
    console.timeEnd();
    console.dir({ a: 1 }, { depth: 1 });
    console.dirxml("b", 2);
    console.table([{ c: 3 }], ["c"]);
    console.assert(true, "not printed");
    console.assert(false, "message %d", 4);
    console.assert(false, 5);
    console.assert(false);
    console.clear();
    console.profile("x");
    console.profileEnd("x");
    console.timeStamp("x");
    console.countReset();
  };
  state.live = false;
  everything();
  expect(real.lines).toEqual([]);
  state.live = true;
  everything();
  expect(real.lines).toEqual([
    ["log", "group"],
    ["log", "  default: 1"],
    ["log", "collapsed"],
    ["log", "default: 0ms"],
    ["log", "default: 0ms"],
    ["log", { a: 1 }],
    ["log", "b", 2],
    ["log", [{ c: 3 }]],
    ["error", "Assertion failed: message %d", 4],
    ["error", "Assertion failed", 5],
    ["error", "Assertion failed"],
  ]);
});

test("console.Console refuses, with or without new", () => {
  const { console } = setUp();
  const Console = console.Console as unknown as {
    new (stream: unknown): unknown;
    (stream: unknown): unknown;
  };
  const message = /console\.Console can't be used inside a workflow handler/;
  expect(() => new Console({})).toThrow(message);
  expect(() => Console({})).toThrow(message);
});

test("a handler's changes to its console stay out of the real one", () => {
  const real = recorder();
  const { console } = setUp(real);
  console.log = () => {};
  real.log("still there");
  expect(real.lines).toEqual([["log", "still there"]]);
  expect(Object.prototype.toString.call(console)).toBe("[object console]");
});
