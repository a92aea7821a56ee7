// @vitest-environment node
import { describe, expect, test } from "vitest";
import { HOUR } from "../../../src/testing/units.js";
import { PLATFORM_APP, startBackend } from "../testing/backend.js";
import type { FaultOptions } from "./faults.mjs";

const BOOM = expect.stringMatching(/^Uncaught Error: boom\n/) as unknown;
const TRANSIENT = "Transient error while executing action";

/** Schedules a job. The test may then switch a fault on. */
async function scheduled(
  job: { kind?: string; delayMs?: number } = {},
  fault: keyof FaultOptions = "conflictRate",
  others: FaultOptions = {},
) {
  const { off, on } =
    fault === "writeBytesPerSecond" ? { off: 1, on: 0 } : { off: 0, on: 1 };
  let isOn = false;
  const faults = Object.defineProperty(others, fault, {
    get: () => (isOn ? on : off),
  });
  const backend = await startBackend(PLATFORM_APP, { faults });
  const { run, column } = backend;
  const schedule = async (more: typeof job = {}) => {
    const defaults = { kind: "mark", delayMs: 1000, fails: false };
    const id = await run("jobs:schedule", { ...defaults, ...job, ...more });
    return {
      state: () => run("jobs:state", { id }),
      cancel: () => run("jobs:cancel", { id }),
    };
  };
  const keys = () => column("rows", "key");
  const switchFault = (to: boolean) => void (isOn = to);
  return { ...backend, ...(await schedule()), schedule, keys, switchFault };
}

test.each([
  ["a scheduled mutation runs when it is due", "mark", Infinity, "mark"],
  ["a scheduled mutation that throws is undone", "explode", Infinity, ""],
  ["a job canceled before it starts does not run", "mark", 999, ""],
  [
    "an action canceled while it runs goes on",
    "act",
    1500,
    "act begins,act ends",
  ],
  ["canceling what has ended changes nothing", "mark", 2000, "mark"],
])("%s, and its row says so", async (_title, kind, cancelAt, keys) => {
  const job = await scheduled({ kind });
  await job.clock.advance(999);
  expect(await job.keys()).toEqual([]);
  expect(await job.state()).toEqual({ kind: "pending" });
  if (cancelAt < Infinity) {
    await job.clock.advance(cancelAt - 999);
    await job.cancel();
  }
  await job.clock.advance();
  expect((await job.keys()).join()).toBe(keys);
  const fails = kind === "explode";
  const ended = fails ? { kind: "failed", error: BOOM } : { kind: "success" };
  const isCanceled = cancelAt < 2000;
  expect(await job.state()).toEqual(isCanceled ? { kind: "canceled" } : ended);
  const line = { level: "ERROR", function: "jobs:explode", message: BOOM };
  expect(job.lines).toMatchObject(fails ? [line] : []);
});

test("a failing mutation schedules nothing, and a job sees itself in progress", async () => {
  const { run, failure, clock, column } = await startBackend(PLATFORM_APP);
  await failure("jobs:schedule", { kind: "mark", delayMs: 0, fails: true });
  expect(await column("_scheduled_functions", "_id")).toEqual([]);
  await run("jobs:scheduleLooking");
  await clock.advance();
  expect(await column("rows", "value")).toEqual([{ kind: "inProgress" }]);
});

/** The faults that have occurred after some time. */
type Tries = readonly (readonly [ms: number, hazards: object])[];

test.each<[string, keyof FaultOptions, Tries, number]>([
  [
    ...(["conflicts", "conflictRate"] as const),
    // The attempts are 100 ms to a minute apart.
    [
      [51_100, { conflict: 10 }],
      [HOUR, { conflict: 70 }],
    ],
    51_200,
  ],
  [
    "fails with a platform error",
    ...(["systemErrorRate", [[3500, { "system error": 4 }]], 4000] as const),
  ],
  [
    ...(["is refused", "refusalRate"] as const),
    ...([[[499, { "scheduled mutation refused": 1 }]], 1] as const),
  ],
  [
    "would write more than the deployment may in a second",
    ...([
      "writeBytesPerSecond",
      [[HOUR, { "too many writes": 69 }]],
      42_300,
    ] as const),
  ],
])(
  "a scheduled mutation that %s stays pending and is retried until it commits",
  async (_what, fault, tries, within) => {
    const job = await scheduled({ delayMs: 0 }, fault);
    job.switchFault(true);
    for (const [ms, hazards] of tries) {
      await job.clock.advance(ms);
      expect(job.deployment.hazards()).toMatchObject(hazards);
    }
    job.switchFault(false);
    expect(await job.state()).toEqual({ kind: "pending" });
    await job.clock.advance(within - 1);
    expect(await job.keys()).toEqual([]);
    await job.clock.advance(1);
    expect(await job.keys()).toEqual(["mark"]);
    expect(await job.state()).toEqual({ kind: "success" });
  },
);

test("between attempts a scheduled mutation holds no slot and can be canceled, and a refused scheduled action fails", async () => {
  const job = await scheduled({ delayMs: 0 }, "systemErrorRate", {
    maxConcurrentJobs: 1,
  });
  job.switchFault(true);
  await job.clock.advance(1);
  job.switchFault(false);
  const second = await job.schedule();
  await job.clock.advance(1);
  expect(await job.keys()).toEqual(["mark"]);
  expect(await job.state()).toEqual({ kind: "pending" });
  expect(await second.state()).toEqual({ kind: "success" });
  await job.cancel();
  await job.clock.advance();
  expect(await job.keys()).toEqual(["mark"]);
  expect(await job.state()).toEqual({ kind: "canceled" });

  const action = await scheduled({ kind: "act" }, "refusalRate");
  action.switchFault(true);
  await action.clock.advance();
  action.switchFault(false);
  const failed = { kind: "failed", error: TRANSIENT };
  expect(await action.state()).toEqual(failed);
  expect(action.deployment.hazards()).toEqual({
    "scheduled action refused": 1,
  });
});

describe.each(["nested", "child"])(
  "jobs that a scheduled action schedules through %s functions",
  (kind) => {
    test.each([
      ["is executed", false],
      ["is born canceled if the action was canceled while it ran", true],
    ])("%s", async (_title, isCanceled) => {
      const { clock, cancel, column, deployment } = await scheduled({ kind });
      await clock.advance(1500);
      if (isCanceled) await cancel();
      await clock.advance();
      const done = [
        ...(await column("rows", "key")),
        ...(await column("notes", "text", "child")),
      ];
      const jobs: { state: object; completedTime?: number }[] = [
        ...(await deployment.rows("_scheduled_functions")).slice(1),
        ...(await deployment.rows("_scheduled_functions", "child")),
      ];
      expect(done).toHaveLength(isCanceled ? 0 : 2);
      expect(jobs).toHaveLength(2);
      for (const { state, completedTime } of jobs) {
        expect(state).toEqual({ kind: isCanceled ? "canceled" : "success" });
        expect(completedTime).toBeTypeOf("number");
      }
    });
  },
);

test("eight jobs run at a time, and a deployment is idle when nothing runs, even if jobs are scheduled for later", async () => {
  const { schedule, deployment, clock, keys } = await scheduled({
    kind: "act",
  });
  for (let i = 1; i < 10; i++) await schedule();
  await clock.until(deployment.idle());
  expect(await keys()).toEqual([]);
  await clock.advance(1500);
  expect(await keys()).toEqual(Array(8).fill("act begins"));
  await clock.advance(1000);
  expect((await keys()).sort()).toEqual([
    ...Array<string>(10).fill("act begins"),
    ...Array<string>(8).fill("act ends"),
  ]);
  await clock.until(deployment.idle());
  expect(await keys()).toHaveLength(20);
});

test("a function handle is opaque and calls its function", async () => {
  const { run, column, failure } = await startBackend(PLATFORM_APP);
  const handle = await run("jobs:handle");
  expect(handle).toMatch(/^function:\/\/[0-9a-f]+$/);
  expect(await run("jobs:handle")).toBe(handle);
  await run("jobs:callHandle", { handle, key: "row" });
  expect(await column("rows", "key")).toEqual(["row"]);
  expect(
    await failure("jobs:callHandle", { handle: "function://x", key: "row" }),
  ).toMatch("Invalid function handle");
});
