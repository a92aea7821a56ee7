// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import { realClock } from "./clock.mjs";
import { createDeployment } from "./deployment.mjs";
import { bundle } from "../testing/backend.js";

test("each call is charged 4 ms, and more than a second ends the transaction uncatchably", async () => {
  const { run, failure, column, deployment } = await startBackend(PLATFORM_APP);
  expect(await run("jobs:wraps", { calls: 249 })).toBe("done");
  expect(await failure("jobs:wraps", { calls: 250 })).toBe(
    "Function execution timed out (maximum duration: 1s)",
  );
  expect(await column("rows", "key")).toEqual(["wrapper"]);
  expect(deployment.hazards()).toEqual({ "transaction timeout": 1 });
});

test("a scheduled mutation that takes too long fails for good", async () => {
  const { run, clock, deployment } = await startBackend(PLATFORM_APP, {
    faults: {
      userTime: { costOf: ({ path }) => (path === "jobs:mark" ? 1000 : 0) },
    },
  });
  const job = { kind: "mark", delayMs: 0, fails: false };
  const id = await run("jobs:schedule", job);
  await clock.advance();
  expect(await run("jobs:state", { id })).toMatchObject({ kind: "failed" });
  expect(deployment.hazards()).toEqual({ "transaction timeout": 1 });
});

test("performance.now() advances in a mutation by what is charged, and stands still in a query", async () => {
  const { run } = await startBackend(PLATFORM_APP, {
    faults: { userTime: { operationMs: 0.26 } },
  });
  // The last call of the host is made once the caller has its answer.
  expect(await run("globals:elapsed", { calls: 3 })).toEqual([
    ...[0, 4.5, 9, 13.6],
  ]);
  expect(await run("globals:elapsedInQuery")).toBe(0);
});

test("performance.now() of an action follows the clock", async () => {
  const { run } = await startBackend(PLATFORM_APP);
  expect(await run("globals:elapsedInAction")).toBe(25);
});

test("performance.now() of a mutation runs where time is real", async () => {
  const deployment = createDeployment({ clock: realClock });
  await deployment.deploy(await bundle(PLATFORM_APP));
  const response = await deployment.call({
    path: "globals:elapsed",
    args: { calls: 30 },
    caller: { admin: true },
  });
  await deployment.close();
  const times = (response as unknown as { value: number[] }).value;
  expect(times[0]).toBeGreaterThanOrEqual(0);
  expect(times.at(-1)).toBeGreaterThan(times[0]!);
});
