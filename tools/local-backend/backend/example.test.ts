// @vitest-environment node
import { expect, test } from "vitest";
import { bundle, startBackend } from "../testing/backend.js";
import type { FaultOptions } from "./faults.mjs";

const EXAMPLE = "example";
/** Shorter than the retention of the example's runs. */
const DAY = 24 * 60 * 60_000;

/** Runs `exampleWorkflow` to its end. */
async function runExample(faults: FaultOptions, seed: number) {
  const { run, clock, deployment, column } = await startBackend(EXAMPLE, {
    faults,
    seed,
  });
  const args = { args: { exampleArg: "James" } };
  const workflowId = await run("example:exampleWorkflow", args);
  await clock.advance();
  return {
    status: await run("example:status", { workflowId }),
    greetings: await column("greetings", "text"),
    attempts: await column("attempts", "count"),
    hazards: deployment.hazards(),
  };
}

test("the example's workflow completes", async () => {
  expect(await runExample({}, 1)).toEqual({
    status: { type: "completed", result: "Hello, James!" },
    greetings: ["Hello, James!"],
    attempts: [2],
    hazards: {},
  });
});

test("the example's workflow completes despite faults that leave no outcome unknown", async () => {
  const faults: FaultOptions = {
    conflictRate: 0.5,
    hopLatencyMs: [0, 50],
    callLatencyMs: [0, 20],
    maxConcurrentJobs: 2,
    onBoundary: ({ when, number }) =>
      when === "before" && number % 10 === 9 ? "die" : undefined,
  };
  const { hazards, ...ended } = await runExample(faults, 2);
  expect(hazards.conflict).toBeGreaterThan(10);
  expect(ended).toMatchObject({
    status: { type: "completed", result: "Hello, James!" },
    greetings: ["Hello, James!"],
  });
});

test("an approval ends with its event or its timeout", async () => {
  const { run, clock, column } = await startBackend(EXAMPLE);
  const start = () => run("approval:start", { title: "A chair" });
  const first = await start();
  await start();
  await clock.advance(60_000);
  expect(await column("expenses", "state")).toEqual(["waiting", "waiting"]);
  await run("approval:decide", { workflowId: first, approved: true });
  await clock.advance();
  expect(await column("expenses", "state")).toEqual(["approved", "expired"]);
});

test("a run continues after the same code is deployed again", async () => {
  const { run, clock, deployment, column } = await startBackend(EXAMPLE);
  const workflowId = await run("trip:start", { city: "Lisbon", nights: 3 });
  await clock.advance(2000);
  await deployment.deploy(structuredClone(await bundle(EXAMPLE)));
  await clock.advance(DAY);
  expect(await run("trip:status", { workflowId })).toMatchObject({
    type: "completed",
    result: { total: 360 },
  });
  expect(await column("bookings", "what")).toHaveLength(2);
});

test("a batch shows its progress during and after its run, despite conflicts and crashes", async () => {
  const { run, clock, deployment } = await startBackend(EXAMPLE, {
    faults: {
      conflictRate: 0.1,
      callLatencyMs: [0, 400],
      onBoundary: ({ when, number }) =>
        when === "before" && number % 20 === 19 ? "die" : undefined,
    },
    seed: 3,
  });
  const workflowId = await run("batch:start", { count: 8 });
  const seen = new Set<number>();
  const look = async () => {
    const { progress } = (await run("batch:status", { workflowId })) as {
      progress: { done: number; count: number };
    };
    expect(progress.count).toBe(8);
    // Progress never decreases.
    expect(progress.done).toBeGreaterThanOrEqual(Math.max(0, ...seen));
    seen.add(progress.done);
  };
  for (let looks = 0; looks < 60; looks++) {
    await clock.advance(50);
    await look();
  }
  await clock.advance(DAY);
  await look();
  expect(seen.size).toBeGreaterThan(2);
  expect(seen.has(8)).toBe(true);
  expect(deployment.hazards().conflict).toBeGreaterThan(5);
});
