// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import type { FaultOptions, Boundary } from "./faults.mjs";

const start = (faults: FaultOptions, seed = 1) =>
  startBackend(PLATFORM_APP, { faults, seed });
const job = { kind: "mark", delayMs: 0, fails: false };

test("nothing goes wrong unless it is asked for", async () => {
  const { run, clock, deployment } = await start({});
  await run("jobs:schedule", { ...job, kind: "act" });
  await run("jobs:tries", { key: "row" });
  await clock.advance();
  expect(deployment.hazards()).toEqual({});
});

test("a run that conflicts is discarded, and another one commits", async () => {
  const { run, column, deployment, lines } = await start({ conflictRate: 0.3 });
  for (let i = 0; i < 20; i++) await run("transactions:unawaited");
  for (let i = 0; i < 20; i++) await run("transactions:add", { key: `${i}` });
  expect(await column("rows", "key")).toHaveLength(60);
  expect(deployment.hazards().conflict).toBeGreaterThan(10);
  // What a discarded run logs is not seen.
  expect(lines.filter(({ level }) => level === "LOG")).toHaveLength(20);
});

test("an action's mutation fails after too many conflicts, and has written nothing", async () => {
  const { run, column } = await start({ actionConflictRate: 1 });
  expect(await run("jobs:tries", { key: "row" })).toMatch(
    /changed while this mutation was being run and on every subsequent retry/,
  );
  expect(await column("rows", "key")).toEqual([]);
  // A client's is tried again.
  await run("transactions:add", { key: "row" });
});

test("a mutation may commit although its caller sees an error", async () => {
  const { run, failure, column } = await start({ reportLostRate: 1 });
  expect(await run("jobs:tries", { key: "of an action" })).toMatch(
    "Connection lost",
  );
  expect(await failure("transactions:add", { key: "of a client" })).toBe(
    "Connection lost while mutation was in flight",
  );
  expect(await column("rows", "key")).toEqual(["of an action", "of a client"]);
});

test.each(["before", "after"] as const)(
  "an action that dies %s a call does nothing more, and that is noticed later",
  async (when) => {
    const { run, clock, column, lines } = await start({
      dieAt: (point) => point.action === "jobs:act" && point.when === when,
      deathNoticedAfterMs: [5000, 5000],
    });
    const id = await run("jobs:schedule", { ...job, kind: "act" });
    await clock.advance(4999);
    const written = when === "before" ? [] : ["act begins"];
    expect(await column("rows", "key")).toEqual(written);
    expect(await run("jobs:state", { id })).toEqual({ kind: "inProgress" });
    await clock.advance(1);
    expect(await run("jobs:state", { id })).toEqual({
      kind: "failed",
      error: "Transient error while executing action",
    });
    await clock.advance();
    expect(await column("rows", "key")).toEqual(written);
    expect(lines).toEqual([]);
  },
);

test("an action dies together with those that wait for it", async () => {
  const { failure, clock, deployment } = await start({
    dieAt: () => deployment.hazards()["action death before call"] === undefined,
    actionPermits: 3,
  });
  expect(await failure("jobs:nest", { levels: 2 })).toBe(
    "Connection lost while action was in flight",
  );
  // Their permits are free again.
  const response = deployment.call({
    path: "jobs:nest",
    args: { levels: 2 },
    caller: { admin: true },
  });
  expect(await clock.until(response)).toMatchObject({ value: "innermost" });
});

test("deaths at random are as the seed says", async () => {
  const deaths = async (seed: number) => {
    const { call, clock, deployment } = await start(
      { actionDeathRate: 0.3, callLatencyMs: [1, 20] },
      seed,
    );
    const outcomes: string[] = [];
    for (let i = 0; i < 10; i++)
      outcomes.push(
        (await clock.until(call("jobs:tries", { key: "" }))).status,
      );
    return [outcomes, deployment.hazards(), clock.now()];
  };
  const first = await deaths(1);
  expect(new Set(first[0] as string[])).toEqual(new Set(["success", "error"]));
  expect(await deaths(1)).toEqual(first);
  expect(await deaths(2)).not.toEqual(first);
});

test("as many jobs run at a time as configured, each after a latency", async () => {
  const { run, clock, column } = await start({
    maxConcurrentJobs: 1,
    hopLatencyMs: [50, 50],
  });
  await run("jobs:schedule", { ...job, kind: "act" });
  await run("jobs:schedule", { ...job, kind: "act" });
  await clock.advance(49);
  expect(await column("rows", "key")).toEqual([]);
  await clock.advance(1);
  expect(await column("rows", "key")).toEqual(["act begins"]);
  await clock.advance(1000);
  expect(await column("rows", "key")).toEqual([
    ...["act begins", "act ends", "act begins"],
  ]);
});

test("calls of actions take their latency", async () => {
  const { run, clock } = await start({ callLatencyMs: [30, 30] });
  const before = clock.now();
  await run("jobs:tries", { key: "row" });
  expect(clock.now() - before).toBe(30);
});

test("a transaction that takes too long dies with all that would have caught it", async () => {
  const userTime = { callMs: 100, operationMs: 10 };
  const { run, failure, column } = await start({ userTime });
  expect(await run("jobs:wraps", { calls: 4 })).toBe("done");
  expect(await failure("jobs:wraps", { calls: 20 })).toBe(
    "Function execution timed out (maximum duration: 1s)",
  );
  expect(await column("rows", "key")).toEqual(["wrapper"]);
});

test("some transactions have less time than others", async () => {
  const { call, clock, deployment } = await start({
    userTime: { budgetMs: 10, callMs: 0, operationMs: 1, slowRate: 0.5 },
  });
  const outcomes = [];
  for (let i = 0; i < 20; i++)
    outcomes.push((await clock.until(call("jobs:wraps", { calls: 2 }))).status);
  expect(new Set(outcomes)).toEqual(new Set(["success", "error"]));
  expect(deployment.hazards()["transaction timeout"]).toBeGreaterThan(0);
});

test("one function may be configured to be slow", async () => {
  const { run, failure } = await start({
    userTime: {
      costOf: ({ path }) => (path === "transactions:keys" ? 600 : 0),
    },
  });
  await run("jobs:wraps", { calls: 1 });
  await failure("jobs:wraps", { calls: 2 });
});

test("every commit has a boundary before and after, numbered", async () => {
  const seen: Boundary[] = [];
  const { run } = await start({ onBoundary: (at) => void seen.push(at) });
  await run("transactions:add", { key: "" });
  await run("jobs:tries", { key: "" });
  await run("transactions:keys");
  const at = (number: number, name: string) => ({
    number,
    function: name,
    componentPath: "",
  });
  expect(seen).toEqual([
    { when: "before", ...at(1, "transactions:add") },
    { when: "after", ...at(1, "transactions:add") },
    { when: "before", ...at(2, "jobs:mark") },
    { when: "after", ...at(2, "jobs:mark") },
  ]);
});

test.each(["before", "after"] as const)(
  "killed %s its commit, a client's mutation is reported as failed",
  async (when) => {
    const onBoundary = (at: Boundary) => (at.when === when ? "die" : undefined);
    const { failure, column } = await start({ onBoundary });
    await failure("transactions:add", { key: "row" });
    expect(await column("rows", "key")).toEqual(
      when === "before" ? [] : ["row"],
    );
  },
);

test.each(["before", "after"] as const)(
  "killed %s a commit that it asked for, an action is dead",
  async (when) => {
    const { failure, column, clock } = await start({
      onBoundary: (at) => (at.when === when ? "die" : undefined),
    });
    await failure("jobs:act", { key: "act" });
    await clock.advance();
    expect(await column("rows", "key")).toEqual(
      when === "before" ? [] : ["act begins"],
    );
  },
);

test("killed before its commit, a scheduled mutation is run again", async () => {
  let kills = 0;
  const { run, clock, column } = await start({
    onBoundary: ({ when, function: name }) =>
      name === "jobs:mark" && (when === "after" || kills++ < 3)
        ? "die"
        : undefined,
  });
  await run("jobs:schedule", job);
  await clock.advance();
  expect(await column("rows", "key")).toEqual(["mark"]);
  expect(kills).toBe(4);
});
