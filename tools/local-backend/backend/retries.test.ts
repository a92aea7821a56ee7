// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import type { FaultOptions } from "./faults.mjs";

const start = (faults: FaultOptions) => startBackend(PLATFORM_APP, { faults });
const job = { kind: "mark", delayMs: 0, fails: false };
const HOUR_MS = 60 * 60_000;

test("a client's mutation is tried five times, 100 ms to 2 s apart, and then fails", async () => {
  const { failure, clock, column, deployment } = await start({
    conflictRate: 1,
  });
  const before = clock.now();
  expect(await failure("transactions:add", { key: "row" })).toMatch(
    /^Documents read from or written to the "rows" table changed while this mutation was being run and on every subsequent retry\./,
  );
  expect(clock.now() - before).toBe(100 + 200 + 400 + 800);
  expect(deployment.hazards()).toEqual({ conflict: 5 });
  expect(await column("rows", "key")).toEqual([]);
});

test("a mutation of an action is tried as often, and the action may catch that it failed", async () => {
  const { run, clock } = await start({ conflictRate: 1 });
  const before = clock.now();
  expect(await run("jobs:tries", { key: "row" })).toMatch(
    "changed while this mutation was being run",
  );
  expect(clock.now() - before).toBe(1500);
});

test("a conflict of a mutation that writes nothing names no table", async () => {
  const { failure } = await start({ conflictRate: 1 });
  expect(await failure("globals:elapsed", { calls: 0 })).toMatch(
    /^Data read or written in this mutation changed while it was being run/,
  );
});

test("a scheduled mutation that conflicts is tried without end, 100 ms to a minute apart", async () => {
  let isQuiet = true;
  const { run, clock, column, deployment } = await start({
    get conflictRate() {
      return isQuiet ? 0 : 1;
    },
  });
  const id = await run("jobs:schedule", job);
  isQuiet = false;
  await clock.advance(51_100);
  expect(deployment.hazards()).toEqual({ conflict: 10 });
  await clock.advance(HOUR_MS);
  expect(deployment.hazards()).toEqual({ conflict: 70 });
  expect(await run("jobs:state", { id })).toEqual({ kind: "pending" });
  isQuiet = true;
  await clock.advance(60_000);
  expect(await column("rows", "key")).toEqual(["mark"]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "success" });
});

test("a scheduled mutation frees its slot between two tries", async () => {
  let fails = false;
  const { run, clock, column } = await start({
    maxConcurrentJobs: 1,
    get systemErrorRate() {
      return fails ? 1 : 0;
    },
  });
  const first = await run("jobs:schedule", job);
  fails = true;
  await clock.advance(1);
  fails = false;
  const second = await run("jobs:schedule", job);
  await clock.advance(1);
  expect(await column("rows", "key")).toEqual(["mark"]);
  expect(await run("jobs:state", { id: first })).toEqual({ kind: "pending" });
  expect(await run("jobs:state", { id: second })).toEqual({ kind: "success" });
});

test("an error of the platform's own leaves a scheduled mutation pending, and it is tried again", async () => {
  let fails = false;
  const { run, clock, column, deployment } = await start({
    get systemErrorRate() {
      return fails ? 1 : 0;
    },
  });
  const id = await run("jobs:schedule", job);
  fails = true;
  await clock.advance(500 + 1000 + 2000);
  expect(deployment.hazards()).toEqual({ "system error": 4 });
  expect(await run("jobs:state", { id })).toEqual({ kind: "pending" });
  fails = false;
  await clock.advance(3999);
  expect(await column("rows", "key")).toEqual([]);
  await clock.advance(1);
  expect(await column("rows", "key")).toEqual(["mark"]);
});

test("an error of the platform is returned to a client and to an action, and nothing is written", async () => {
  const { run, failure, column } = await start({ systemErrorRate: 1 });
  const error = "Your request couldn't be completed. Try again later.";
  expect(await failure("transactions:add", { key: "row" })).toBe(error);
  expect(await run("jobs:tries", { key: "row" })).toBe(error);
  expect(await column("rows", "key")).toEqual([]);
});

test("a job that is canceled while it waits to be tried again never runs", async () => {
  let fails = false;
  const { run, clock, column } = await start({
    get systemErrorRate() {
      return fails ? 1 : 0;
    },
  });
  const id = await run("jobs:schedule", job);
  fails = true;
  await clock.advance(1);
  fails = false;
  await run("jobs:cancel", { id });
  await clock.advance();
  expect(await column("rows", "key")).toEqual([]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "canceled" });
});

test("a scheduled mutation sees its own job in progress", async () => {
  const { run, clock, column } = await start({});
  await run("jobs:scheduleLooking");
  await clock.advance();
  expect(await column("rows", "value")).toEqual([{ kind: "inProgress" }]);
});
