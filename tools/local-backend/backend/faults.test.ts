// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import type { Boundary, FaultOptions } from "./faults.mjs";

async function start(faults: FaultOptions, seed = 1) {
  const backend = await startBackend(PLATFORM_APP, { faults, seed });
  const schedule = (kind: string) =>
    backend.run("jobs:schedule", { kind, delayMs: 0, fails: false });
  const keys = () => backend.column("rows", "key");
  return { ...backend, schedule, keys };
}

const LOST = (what: string) => `Connection lost while ${what} was in flight`;
const moments = ["before", "after"] as const;

test("without options nothing goes wrong, and calls from actions take the configured latency", async () => {
  const { schedule, run, clock, deployment } = await start({});
  await schedule("act");
  await run("jobs:tries", { key: "row" });
  await clock.advance();
  expect(deployment.hazards()).toEqual({});
  const slow = await start({ callLatencyMs: [30, 30] });
  const before = slow.clock.now();
  await slow.run("jobs:tries", { key: "row" });
  expect(slow.clock.now() - before).toBe(30);
});

test("an execution that conflicts is discarded, and another one commits", async () => {
  const { run, keys, deployment, lines } = await start({ conflictRate: 0.3 });
  for (let i = 0; i < 20; i++) await run("transactions:unawaited");
  for (let i = 0; i < 20; i++) await run("transactions:add", { key: `${i}` });
  expect(await keys()).toHaveLength(60);
  expect(deployment.hazards().conflict).toBeGreaterThan(10);
  // Logs of discarded executions aren't visible.
  expect(lines.filter(({ level }) => level === "LOG")).toHaveLength(20);
});

test("an action's mutation may fail after too many conflicts, and any mutation may commit although its caller sees an error", async () => {
  const conflicts = await start({ actionConflictRate: 1 });
  expect(await conflicts.run("jobs:tries", { key: "row" })).toMatch(
    /changed while this mutation was being run and on every subsequent retry/,
  );
  expect(await conflicts.keys()).toEqual([]);
  // A client's mutation is retried.
  await conflicts.run("transactions:add", { key: "row" });

  const { run, failure, keys } = await start({ reportLostRate: 1 });
  expect(await run("jobs:tries", { key: "of an action" })).toMatch(
    "Connection lost",
  );
  expect(await failure("transactions:add", { key: "of a client" })).toBe(
    LOST("mutation"),
  );
  expect(await keys()).toEqual(["of an action", "of a client"]);
});

test.each(moments)(
  "an action that crashes %s a call does nothing more, and the crash is noticed later",
  async (when) => {
    const { schedule, run, clock, keys, lines } = await start({
      crashAt: (point) => point.action === "jobs:act" && point.when === when,
      crashNoticedAfterMs: [5000, 5000],
    });
    const id = await schedule("act");
    await clock.advance(4999);
    const written = when === "before" ? [] : ["act begins"];
    expect(await keys()).toEqual(written);
    expect(await run("jobs:state", { id })).toEqual({ kind: "inProgress" });
    await clock.advance(1);
    expect(await run("jobs:state", { id })).toEqual({
      kind: "failed",
      error: "Transient error while executing action",
    });
    await clock.advance();
    expect(await keys()).toEqual(written);
    expect(lines).toEqual([]);
  },
);

test("an action crashes together with those that wait for it, and their permits are freed", async () => {
  const { failure, run, deployment } = await start({
    crashAt: () =>
      deployment.hazards()["action crash before call"] === undefined,
    actionPermits: 3,
  });
  expect(await failure("jobs:nest", { levels: 2 })).toBe(LOST("action"));
  expect(await run("jobs:nest", { levels: 2 })).toBe("innermost");
});

test("the seed determines random crashes", async () => {
  const crashes = async (seed: number) => {
    const { call, clock, deployment } = await start(
      { actionCrashRate: 0.3, callLatencyMs: [1, 20] },
      seed,
    );
    const outcomes: string[] = [];
    for (let i = 0; i < 10; i++) {
      const response = await clock.until(call("jobs:tries", { key: "" }));
      outcomes.push(response.status);
    }
    return [outcomes, deployment.hazards(), clock.now()];
  };
  const first = await crashes(1);
  expect(new Set(first[0] as string[])).toEqual(new Set(["success", "error"]));
  expect(await crashes(1)).toEqual(first);
  expect(await crashes(2)).not.toEqual(first);
});

test("the configured number of jobs runs at a time, each after a latency", async () => {
  const { schedule, clock, keys } = await start({
    maxConcurrentJobs: 1,
    hopLatencyMs: [50, 50],
  });
  await schedule("act");
  await schedule("act");
  await clock.advance(49);
  expect(await keys()).toEqual([]);
  await clock.advance(1);
  expect(await keys()).toEqual(["act begins"]);
  await clock.advance(1000);
  expect(await keys()).toEqual(["act begins", "act ends", "act begins"]);
});

test("a transaction that takes too long ends uncatchably, whichever functions and transactions are slow", async () => {
  const slowCalls = { callMs: 100, operationMs: 10 };
  const { run, failure, keys } = await start({ userTime: slowCalls });
  expect(await run("jobs:wraps", { calls: 4 })).toBe("done");
  expect(await failure("jobs:wraps", { calls: 20 })).toBe(
    "Function execution timed out (maximum duration: 1s)",
  );
  expect(await keys()).toEqual(["wrapper"]);

  const costOf = ({ path }: { path: string }) =>
    path === "transactions:keys" ? 600 : 0;
  const slowFunction = await start({ userTime: { costOf } });
  await slowFunction.run("jobs:wraps", { calls: 1 });
  await slowFunction.failure("jobs:wraps", { calls: 2 });

  const some = { budgetMs: 10, callMs: 0, operationMs: 1, slowRate: 0.5 };
  const { call, clock, deployment } = await start({ userTime: some });
  const outcomes = new Set<string>();
  for (let i = 0; i < 20; i++)
    outcomes.add((await clock.until(call("jobs:wraps", { calls: 2 }))).status);
  expect(outcomes).toEqual(new Set(["success", "error"]));
  expect(deployment.hazards()["transaction timeout"]).toBeGreaterThan(0);
});

test("every commit has a numbered boundary before and after", async () => {
  const seen: Boundary[] = [];
  const { run } = await start({ onBoundary: (at) => void seen.push(at) });
  await run("transactions:add", { key: "" });
  await run("jobs:tries", { key: "" });
  await run("transactions:keys");
  const around = (number: number, name: string) =>
    moments.map((when) => ({
      ...{ when, number, function: name, componentPath: "" },
    }));
  expect(seen).toEqual([
    ...around(1, "transactions:add"),
    ...around(2, "jobs:mark"),
  ]);
});

test.each(moments)(
  "a mutation killed %s its commit is reported to a client as failed, and crashes a calling action",
  async (when) => {
    const onBoundary = (at: Boundary) =>
      at.when === when ? "kill" : undefined;
    const { failure, keys, clock } = await start({ onBoundary });
    await failure("transactions:add", { key: "row" });
    await failure("jobs:act", { key: "act" });
    await clock.advance();
    expect(await keys()).toEqual(
      when === "before" ? [] : ["row", "act begins"],
    );
  },
);

test("a scheduled mutation killed before its commit runs again", async () => {
  let kills = 0;
  const { schedule, clock, keys } = await start({
    onBoundary: ({ when, function: name }) =>
      name === "jobs:mark" && (when === "after" || kills++ < 3)
        ? "kill"
        : undefined,
  });
  await schedule("mark");
  await clock.advance();
  expect(await keys()).toEqual(["mark"]);
  expect(kills).toBe(4);
});
