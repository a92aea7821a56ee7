// @vitest-environment node
import { describe, expect, test } from "vitest";
import {
  PLATFORM_APP,
  startBackend,
  type Backend,
} from "../testing/backend.js";

const job = { kind: "mark", delayMs: 1000, fails: false };

test("a scheduled mutation runs when it is due, and its row says so", async () => {
  const { run, clock, column } = await startBackend(PLATFORM_APP);
  const id = await run("jobs:schedule", job);
  await clock.advance(999);
  expect(await column("rows", "key")).toEqual([]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "pending" });
  await clock.advance(1);
  expect(await column("rows", "key")).toEqual(["mark"]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "success" });
});

test("nothing is scheduled by a mutation that fails", async () => {
  const { failure, clock, column } = await startBackend(PLATFORM_APP);
  await failure("jobs:schedule", { ...job, fails: true });
  await clock.advance();
  expect(await column("rows", "key")).toEqual([]);
  expect(await column("_scheduled_functions", "_id")).toEqual([]);
});

test("a scheduled mutation that throws is undone; its error is kept and logged", async () => {
  const { run, clock, column, lines } = await startBackend(PLATFORM_APP);
  const id = await run("jobs:schedule", { ...job, kind: "explode" });
  await clock.advance();
  expect(await column("rows", "key")).toEqual([]);
  const error = expect.stringMatching(/^Uncaught Error: boom\n/) as unknown;
  expect(await run("jobs:state", { id })).toEqual({ kind: "failed", error });
  expect(lines).toMatchObject([
    { level: "ERROR", function: "jobs:explode", message: error },
  ]);
});

test("a job canceled before it starts does not run", async () => {
  const { run, clock, column } = await startBackend(PLATFORM_APP);
  const id = await run("jobs:schedule", job);
  await run("jobs:cancel", { id });
  await clock.advance();
  expect(await column("rows", "key")).toEqual([]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "canceled" });
});

test("an action canceled while it runs goes on, and stays canceled", async () => {
  const { run, clock, column } = await startBackend(PLATFORM_APP);
  const id = await run("jobs:schedule", { ...job, kind: "act" });
  await clock.advance(1500);
  expect(await run("jobs:state", { id })).toEqual({ kind: "inProgress" });
  await run("jobs:cancel", { id });
  await clock.advance();
  expect(await column("rows", "key")).toEqual(["act begins", "act ends"]);
  expect(await run("jobs:state", { id })).toEqual({ kind: "canceled" });
});

describe.each(["nested", "child"])(
  "what a scheduled action schedules through %s functions",
  (kind) => {
    const start = async () => {
      const backend = await startBackend(PLATFORM_APP);
      const id = await backend.run("jobs:schedule", { ...job, kind });
      await backend.clock.advance(1500);
      return { ...backend, id };
    };
    const found = async ({ column, deployment }: Backend) => ({
      done: [
        ...(await column("rows", "key")),
        ...(await column("notes", "text", "child")),
      ],
      states: [
        ...(await deployment.rows("_scheduled_functions")).slice(1),
        ...(await deployment.rows("_scheduled_functions", "child")),
      ].map((row: { state: unknown; completedTime?: number }) => [
        row.state,
        typeof row.completedTime,
      ]),
    });

    test("is executed", async () => {
      const backend = await start();
      await backend.clock.advance();
      const { done, states } = await found(backend);
      expect(done).toHaveLength(2);
      expect(states).toEqual([
        [{ kind: "success" }, "number"],
        [{ kind: "success" }, "number"],
      ]);
    });

    test("is born canceled if the action was canceled while it ran", async () => {
      const backend = await start();
      await backend.run("jobs:cancel", { id: backend.id });
      await backend.clock.advance();
      const { done, states } = await found(backend);
      expect(done).toEqual([]);
      expect(states).toEqual([
        [{ kind: "canceled" }, "number"],
        [{ kind: "canceled" }, "number"],
      ]);
    });
  },
);

test("canceling what has ended changes nothing", async () => {
  const { run, clock } = await startBackend(PLATFORM_APP);
  const id = await run("jobs:schedule", job);
  await clock.advance();
  await run("jobs:cancel", { id });
  expect(await run("jobs:state", { id })).toEqual({ kind: "success" });
});

test("eight jobs run at a time", async () => {
  const { run, clock, column } = await startBackend(PLATFORM_APP);
  for (let i = 0; i < 10; i++)
    await run("jobs:schedule", { ...job, kind: "act", delayMs: 0 });
  const count = async (key: string) =>
    (await column("rows", "key")).filter((each) => each === key).length;
  await clock.advance(500);
  expect(await count("act begins")).toBe(8);
  await clock.advance(1000);
  expect(await count("act begins")).toBe(10);
  expect(await count("act ends")).toBe(8);
});

test("a function handle is opaque and calls what it names", async () => {
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

test("an idle deployment has nothing running, whatever is scheduled for later", async () => {
  const { run, deployment, clock, column } = await startBackend(PLATFORM_APP);
  await run("jobs:schedule", { ...job, kind: "act" });
  await clock.until(deployment.idle());
  expect(await column("rows", "key")).toEqual([]);
  await clock.advance(1000);
  await clock.until(deployment.idle());
  expect(await column("rows", "key")).toEqual(["act begins", "act ends"]);
});
