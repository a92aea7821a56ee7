// @vitest-environment node
import { expect, test } from "vitest";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import { Admission, REFUSALS } from "./admission.mjs";
import { VirtualClock } from "./clock.mjs";
import { Faults, type FaultOptions } from "./faults.mjs";
import { seededRandom } from "./random.mjs";

const start = (faults: FaultOptions) => startBackend(PLATFORM_APP, { faults });

test("64 actions run at a time, waiting actions keep their permits, and a call without a permit for 10 s is refused", async () => {
  const many = await start({});
  expect(await many.run("jobs:nest", { levels: 63 })).toBe("innermost");
  expect(await many.run("jobs:nest", { levels: 64 })).toMatch(
    "limited to 64 concurrent actions",
  );
  const { run, clock } = await start({ actionPermits: 2 });
  expect(await run("jobs:nest", { levels: 1 })).toBe("innermost");
  const before = clock.now();
  expect(await run("jobs:nest", { levels: 2 })).toMatch(
    /^Too many concurrent requests\. Your backend is limited to 2 concurrent actions\./,
  );
  expect(clock.now() - before).toBe(10_000);
});

test("a scheduled action holds its slot while it waits for a permit", async () => {
  const { run, clock, column } = await start({
    actionPermits: 1,
    maxConcurrentJobs: 2,
  });
  for (const kind of ["act", "act", "mark"])
    await run("jobs:schedule", { kind, delayMs: 0, fails: false });
  await clock.advance(999);
  expect(await column("rows", "key")).toEqual(["act begins"]);
  await clock.advance(1);
  // Both slots were held by actions until now.
  expect(await column("rows", "key")).toContain("mark");
  await clock.advance();
  expect(await column("rows", "key")).toHaveLength(5);
});

test.each(["query", "mutation"] as const)(
  "16 concurrent calls of each %s run, and another one is refused after 5 s",
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

test("a call may be refused with each of the platform's errors", async () => {
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

const FIVE_TRIES_MS = 100 + 200 + 400 + 800;
const SYSTEM_ERROR = "Your request couldn't be completed. Try again later.";

test.each<[string, FaultOptions, RegExp, number]>([
  [
    ...(["conflicts", { conflictRate: 1 }] as const),
    /^Documents read from or written to the "rows" table changed while this mutation was being run and on every subsequent retry\./,
    FIVE_TRIES_MS,
  ],
  [
    "would write more than the deployment may in a second",
    { writeBytesPerSecond: 0 },
    /^Too many writes per second\. Your deployment is limited to /,
    FIVE_TRIES_MS,
  ],
  [
    "meets an error of the platform's own",
    ...([{ systemErrorRate: 1 }, RegExp(`^${SYSTEM_ERROR}$`), 0] as const),
  ],
])(
  "a mutation that %s fails for a client, and for an action that may catch that, and writes nothing",
  async (_what, faults, error, ms) => {
    const { run, failure, clock, column } = await start(faults);
    const before = clock.now();
    expect(await failure("transactions:add", { key: "row" })).toMatch(error);
    expect(clock.now() - before).toBe(ms);
    expect(await run("jobs:tries", { key: "row" })).toMatch(error);
    expect(clock.now() - before).toBe(2 * ms);
    expect(await column("rows", "key")).toEqual([]);
  },
);

test("the conflict error of a mutation without writes names no table", async () => {
  const { failure, deployment } = await start({ conflictRate: 1 });
  expect(await failure("globals:elapsed", { calls: 0 })).toMatch(
    /^Data read or written in this mutation changed while it was being run/,
  );
  expect(deployment.hazards()).toEqual({ conflict: 5 });
});

test("a deployment writes at most 4 MiB a second, and retries a call above that five times", async () => {
  const { run, call, clock, column, deployment } = await start({});
  const add = { key: "large", value: "x".repeat(1_000_000) };
  await Promise.all(
    Array.from({ length: 5 }, () => call("transactions:add", add)),
  );
  const before = clock.now();
  await run("transactions:add", { key: "after" });
  // The second has passed by the fifth attempt.
  expect(clock.now() - before).toBe(FIVE_TRIES_MS);
  expect(deployment.hazards()).toEqual({ "too many writes": 4 });
  expect(await column("rows", "key")).toHaveLength(6);
});
