// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import { Admission, REFUSALS } from "./admission.mjs";
import { VirtualClock } from "./clock.mjs";
import { Faults, type FaultOptions } from "./faults.mjs";
import { seededRandom } from "./random.mjs";

const start = (faults: FaultOptions, seed = 1) =>
  startBackend(PLATFORM_APP, { faults, seed });
const job = { kind: "mark", delayMs: 0, fails: false };

test("an action that waits for others keeps its permit; after 10 s a call is refused", async () => {
  const { run, clock } = await start({ actionPermits: 2 });
  expect(await run("jobs:nest", { levels: 1 })).toBe("innermost");
  const before = clock.now();
  expect(await run("jobs:nest", { levels: 2 })).toMatch(
    /^Too many concurrent requests\. Your backend is limited to 2 concurrent actions\./,
  );
  expect(clock.now() - before).toBe(10_000);
});

test("64 actions run at a time", async () => {
  const { run } = await start({});
  expect(await run("jobs:nest", { levels: 63 })).toBe("innermost");
  expect(await run("jobs:nest", { levels: 64 })).toMatch(
    "limited to 64 concurrent actions",
  );
});

test("a scheduled action waits for its permit, and holds its slot meanwhile", async () => {
  const { run, clock, column } = await start({
    actionPermits: 1,
    maxConcurrentJobs: 2,
  });
  for (const kind of ["act", "act", "mark"])
    await run("jobs:schedule", { ...job, kind });
  await clock.advance(999);
  expect(await column("rows", "key")).toEqual(["act begins"]);
  await clock.advance(1);
  // Both slots were held by actions until now.
  expect(await column("rows", "key")).toContain("mark");
  await clock.advance();
  expect(await column("rows", "key")).toHaveLength(5);
});

test.each(["query", "mutation"] as const)(
  "of each %s, 16 run at a time; another one is refused after 5 s",
  async (kind) => {
    const clock = new VirtualClock();
    const faults = new Faults({}, seededRandom(0), clock);
    const admission = new Admission(faults, clock);
    let release = () => {};
    const end = new Promise<void>((resolve) => (release = resolve));
    const admit = () => admission.run(kind, true, () => end);
    const running = Array.from({ length: 16 }, admit);
    const before = clock.now();
    const error = await clock.until(
      admit().then(
        () => "admitted",
        (error: Error) => error.message,
      ),
    );
    expect(error).toMatch(/limited to 16 concurrent (queries|mutations)/);
    expect(clock.now() - before).toBe(5000);
    release();
    await Promise.all(running);
    await admit();
  },
);

test("a call may be refused in each way in which the platform does that", async () => {
  let refuses = true;
  const { failure, run, deployment, column } = await start({
    get refusalRate() {
      return refuses ? 1 : 0;
    },
  });
  const errors = new Set<string>();
  for (let i = 0; i < 20; i++)
    errors.add(await failure("transactions:add", { key: "" }));
  expect([...errors].sort()).toEqual(Object.values(REFUSALS).sort());
  expect(Object.keys(deployment.hazards()).sort()).toEqual(
    Object.keys(REFUSALS).sort(),
  );
  for (const path of ["transactions:keys", "jobs:act"])
    expect(Object.values(REFUSALS)).toContain(await failure(path, { key: "" }));
  refuses = false;
  expect(await column("rows", "key")).toEqual([]);
  await run("transactions:keys");
});

test("a scheduled mutation that is refused is tried again; a scheduled action has failed", async () => {
  let refuses = false;
  const { run, clock, column, deployment } = await start({
    get refusalRate() {
      return refuses ? 1 : 0;
    },
  });
  const mark = await run("jobs:schedule", job);
  const act = await run("jobs:schedule", { ...job, kind: "act" });
  refuses = true;
  await clock.advance(499);
  refuses = false;
  expect(await run("jobs:state", { id: mark })).toEqual({ kind: "pending" });
  expect(await run("jobs:state", { id: act })).toEqual({
    kind: "failed",
    error: "Transient error while executing action",
  });
  await clock.advance();
  expect(await column("rows", "key")).toEqual(["mark"]);
  expect(deployment.hazards()).toEqual({
    "scheduled mutation refused": 1,
    "scheduled action refused": 1,
  });
});

test("a deployment writes at most 4 MiB a second; then a call is tried five times", async () => {
  const { run, call, clock, column, deployment } = await start({});
  const add = { key: "large", value: "x".repeat(1_000_000) };
  await Promise.all(
    Array.from({ length: 5 }, () => call("transactions:add", add)),
  );
  const before = clock.now();
  await run("transactions:add", { key: "after" });
  // The second is over when it is tried for the fifth time.
  expect(clock.now() - before).toBe(100 + 200 + 400 + 800);
  expect(deployment.hazards()).toEqual({ "too many writes": 4 });
  expect(await column("rows", "key")).toHaveLength(6);

  const slow = await start({ writeBytesPerSecond: 0 });
  expect(await slow.failure("transactions:add", { key: "" })).toMatch(
    /^Too many writes per second\. Your deployment is limited to /,
  );
});

test("a scheduled mutation is tried until the deployment may write again", async () => {
  let limit = 4 << 20;
  const { run, clock, column } = await start({
    get writeBytesPerSecond() {
      return limit;
    },
  });
  const id = await run("jobs:schedule", job);
  limit = 0;
  await clock.advance(60 * 60_000);
  expect(await run("jobs:state", { id })).toEqual({ kind: "pending" });
  limit = 1;
  await clock.advance();
  expect(await column("rows", "key")).toEqual(["mark"]);
});
