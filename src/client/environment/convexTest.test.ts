// @vitest-environment edge-runtime
import { convexTest } from "convex-test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEnvironment } from "./environment.js";
import { exercise, EXERCISE_REPORT } from "./testing/exercise.js";
import { differences, snapshotGlobals } from "./testing/globalsSnapshot.js";

const modules = { "./_generated/api.js": async () => ({}) };
type Test = ReturnType<typeof convexTest>;

let t: Test;
let before: ReturnType<typeof snapshotGlobals>;

beforeEach(async () => {
  t = convexTest({ modules });
  await t.mutation(async () => null); // Installs its accessors.
  before = snapshotGlobals();
});
afterEach(() => {
  expect(differences(before, snapshotGlobals())).toEqual([]);
  vi.restoreAllMocks();
});

function handlerOf(runId: string, now: number) {
  return createEnvironment({
    now: () => now,
    isLive: () => true,
    runId,
    combinators: { all: async () => [runId] },
  });
}

/** Values that differ between two handlers' globals and the real ones. */
async function look() {
  return {
    time: Date.now(),
    random: Math.random(),
    console: Object.prototype.toString.call(console),
    process: typeof process,
    crypto: typeof crypto,
    Crypto: typeof Crypto,
    all: await Promise.all([Promise.resolve("real")]),
    constructor: new Date(0).constructor === Date,
  };
}

test.each<[string, (t: Test) => unknown]>([
  ["in a query", (backend) => backend.query(async () => exercise())],
  ["in a mutation", (backend) => backend.mutation(async () => exercise())],
  ["in an action", (backend) => backend.action(async () => exercise())],
  [
    "in a mutation in which fake timers are on",
    (backend) => {
      vi.useFakeTimers();
      const report = backend.mutation(async () => exercise());
      return report.finally(() => vi.useRealTimers());
    },
  ],
  ["outside a call, where its accessors refuse to be assigned", exercise],
])("an environment behaves as everywhere %s", async (_where, report) => {
  expect(await report(t)).toEqual(EXERCISE_REPORT);
});

test("convex-test's own overrides in a transaction stay", async () => {
  await t.mutation(async () => {
    const environment = handlerOf("run", 1);
    const real = [fetch, setTimeout];
    environment.enter();
    const within = [fetch, setTimeout];
    environment.leave();
    expect(within).toEqual(real);
    expect([fetch, setTimeout]).toEqual(real);
    expect(() => setTimeout(() => {}, 0)).toThrow(/not supported in Convex/);
  });
});

test("neither concurrent calls nor the test see a call's patches", async () => {
  const call = async (runId: string, now: number) => {
    const environment = handlerOf(runId, now);
    const sights: Awaited<ReturnType<typeof look>>[] = [];
    for (let i = 0; i < 20; i++) {
      environment.enter();
      for (let hops = 0; hops < now; hops++) await Promise.resolve();
      sights.push(await look());
      environment.leave();
      for (let hops = 0; hops < 5; hops++) await Promise.resolve();
      expectReal(await look());
    }
    return sights;
  };
  const expectReal = (sight: Awaited<ReturnType<typeof look>>) => {
    expect(sight).toMatchObject({
      process: "object",
      crypto: "object",
      Crypto: "function",
      all: ["real"],
    });
    expect(sight.time).toBeGreaterThan(1e12);
  };
  const calls: [string, number, Test][] = [
    ["a", 3, t],
    ["b", 7, t],
    ["c", 11, convexTest({ modules })],
    ["d", 2, convexTest({ modules })],
  ];
  const running = calls.map(([runId, now, backend], at) =>
    at < 2
      ? backend.action(() => call(runId, now))
      : backend.mutation(() => call(runId, now)),
  );
  for (let i = 0; i < 300; i++) {
    const sight = await look();
    expectReal(sight);
    expect(sight.constructor).toBe(true);
    await Promise.resolve();
  }
  for (const [at, [runId, now]] of calls.entries()) {
    const alone = handlerOf(runId, now);
    alone.enter();
    const expected = Array.from({ length: 20 }, () => ({
      time: now,
      random: Math.random(),
      console: "[object console]",
      process: "undefined",
      crypto: "undefined",
      Crypto: "undefined",
      all: [runId],
      constructor: true,
    }));
    alone.leave();
    expect(await running[at]).toEqual(expected);
  }
});
