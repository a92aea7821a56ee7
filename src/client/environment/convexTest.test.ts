// @vitest-environment edge-runtime
import { convexTest } from "convex-test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createEnvironment } from "./environment.js";
import { createQuiesce } from "./quiesce.js";
import { notWaitedFor } from "./testing/busyHandlers.js";
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

/** What tells one handler's globals from another's, and from the real ones. */
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

const calls: Record<string, (t: Test) => Promise<unknown>> = {
  query: (t) => t.query(async () => exercise()),
  mutation: (t) => t.mutation(async () => exercise()),
  action: (t) => t.action(async () => exercise()),
};
test.each(Object.keys(calls))("in a %s as everywhere", async (kind) => {
  expect(await calls[kind]!(t)).toEqual(EXERCISE_REPORT);
});

test("in a mutation in which fake timers are on", async () => {
  vi.useFakeTimers();
  const report = await t.mutation(async () => exercise());
  vi.useRealTimers();
  expect(report).toEqual(EXERCISE_REPORT);
});

test("outside a call, where its accessors refuse to be assigned", () => {
  expect(exercise()).toEqual(EXERCISE_REPORT);
});

test("what convex-test itself overrides in a transaction stays", async () => {
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

describe("calls at the same time", () => {
  test("don't see each other's patches, nor does the test", async () => {
    const call = async (runId: string, now: number) => {
      const environment = handlerOf(runId, now);
      const sights: Awaited<ReturnType<typeof look>>[] = [];
      for (let i = 0; i < 20; i++) {
        environment.enter();
        for (let hops = 0; hops < now; hops++) await Promise.resolve();
        sights.push(await look());
        environment.leave();
        for (let hops = 0; hops < 5; hops++) await Promise.resolve();
        expect(Date.now()).toBeGreaterThan(1e12);
        expect(typeof process).toBe("object");
        expect(await Promise.all([Promise.resolve(1)])).toEqual([1]);
      }
      return sights;
    };
    const others = [convexTest({ modules }), convexTest({ modules })];
    const running = [
      t.action(() => call("a", 3)),
      t.action(() => call("b", 7)),
      others[0]!.mutation(() => call("c", 11)),
      others[1]!.mutation(() => call("d", 2)),
    ];
    const outside = [];
    for (let i = 0; i < 300; i++) {
      outside.push(await look());
      await Promise.resolve();
    }
    const all = await Promise.allSettled(running);

    for (const [i, [runId, now]] of (
      [
        ["a", 3],
        ["b", 7],
        ["c", 11],
        ["d", 2],
      ] as const
    ).entries()) {
      const result = all[i]!;
      if (result.status === "rejected") throw result.reason;
      expect(result.value).toHaveLength(20);
      for (const sight of result.value) {
        expect(sight).toEqual({
          time: now,
          random: expect.any(Number) as number,
          console: "[object console]",
          process: "undefined",
          crypto: "undefined",
          Crypto: "undefined",
          all: [runId],
          constructor: true,
        });
      }
      const alone = handlerOf(runId, now);
      alone.enter();
      const randoms = result.value.map(() => Math.random());
      alone.leave();
      expect(result.value.map((sight) => sight.random)).toEqual(randoms);
    }
    for (const sight of outside) {
      expect(sight).toMatchObject({
        process: "object",
        crypto: "object",
        Crypto: "function",
        all: ["real"],
        constructor: true,
      });
      expect(sight.time).toBeGreaterThan(1e12);
    }
  });

  test("a nested call sees the real globals once the handler is left", async () => {
    const seen = await t.action(async () => {
      const environment = handlerOf("run", 5);
      environment.enter();
      environment.leave();
      return await t.mutation(async () => [typeof process, Date.now() > 1e12]);
    });
    expect(seen).toEqual(["object", true]);
  });
});

test("a handler is run and left each time it blocks", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  before = snapshotGlobals();
  const steps = await t.mutation(async () => {
    const environment = handlerOf("run", 5);
    const quiesce = createQuiesce(async () => null);
    const steps: unknown[] = [];
    let answer = (_value: number) => {};
    const handler = async () => {
      for (let i = 0; i < 5; i++) {
        const value = await new Promise<number>((r) => (answer = r));
        for (let hops = 0; hops < 100; hops++) await Promise.resolve();
        console.count();
        steps.push([value, Date.now(), typeof process]);
      }
    };
    environment.enter();
    void handler();
    for (let i = 0; i < 5; i++) {
      environment.enter();
      answer(i);
      await quiesce();
      environment.leave();
      steps.push(typeof process);
    }
    return steps;
  });
  expect(steps).toEqual(
    [0, 1, 2, 3, 4].flatMap((i) => [[i, 5, "undefined"], "object"]),
  );
  expect(log.mock.calls.flat()).toEqual(
    [1, 2, 3, 4, 5].map((count) => `default: ${count}`),
  );
});

test("quiesce waits for every handler", async () => {
  const missed = await t.mutation(async () =>
    notWaitedFor(createQuiesce(() => Promise.reject(new Error("not asked")))),
  );
  expect(missed).toEqual([]);
});
