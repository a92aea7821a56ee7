import { describe, expect, test } from "vitest";
import {
  advance,
  drain,
  effects,
  journal,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import type { Handler } from "../../testing/app/scripts.js";
import { Calls } from "../../testing/calls.js";
import { send } from "../../testing/events.js";
import {
  echo,
  slow,
  takeTurn,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
import type { Boundary } from "../../testing/random/backend/boundaries.js";
import type { Fault } from "../../testing/random/backend/faults.js";
import { FaultyFunctions } from "../../testing/random/backend/faultyFunctions.js";
import { everyRow } from "../../testing/tables.js";
import { MINUTE } from "../../testing/units.js";

// A driver whose calls fail, that is delayed, or that was already replaced. For crashes at every boundary,
// see testing/random/everyBoundary.test.ts.

useBackend();
useQuietConsole();

/** Creates a backend where a driver's calls fail as listed. */
function faulty(
  boundary: Boundary,
  faults: (Fault | undefined)[],
  stallMs = 20 * MINUTE,
) {
  const left = [...faults];
  const functions = new FaultyFunctions((at, ...possible) => {
    if (at !== boundary || !possible.some((fault) => faults.includes(fault)))
      return undefined;
    return left.shift();
  }, stallMs);
  return newBackend({ execution: "driver", wrap: functions.wrap });
}

/** Scripts an action that fails `failures` times and counts its attempts. */
function attempts(failures = 0) {
  const begun: number[] = [];
  script("action", "act", () => {
    begun.push(Date.now());
    if (begun.length <= failures) throw new Error(`attempt ${begun.length}`);
    return "acted";
  });
  return begun;
}

const act = { name: "act" };

async function run(t: Backend, type: "mutation" | "action") {
  const workflowId = await startHandler(t, async (step) => [
    type === "mutation"
      ? await echo(step, 1)
      : await step.runAction(steps.action, act, {
          retry: { maxAttempts: 2, initialBackoffMs: 10, base: 2 },
        }),
    await echo(step, 2),
  ]);
  await drain();
  const [first, second] = await journal(t, workflowId);
  return { status: await statusOf(t, workflowId), first, second };
}

const inPool = (row: Awaited<ReturnType<typeof journal>>[number] | undefined) =>
  row !== undefined &&
  row.drivenBy === undefined &&
  "functionType" in row.step &&
  row.step.workId !== undefined;

const conflicts = (count: number) => times(count, (): Fault => "conflict");

test.each<
  [string, Boundary, Fault[], { begun?: number; by: unknown[]; failed?: 1 }]
>([
  [
    "a turn that conflicts three times succeeds the fourth time",
    "driven turn",
    conflicts(3),
    { by: [1, 1] },
  ],
  [
    "a turn that conflicts four times leaves its mutation to the pool, and a new driver continues",
    "driven turn",
    conflicts(4),
    { by: ["pool", 2] },
  ],
  [
    "a turn that conflicts four times has its action recorded alone: the action begins once, and no attempt is lost",
    "driven turn",
    conflicts(4),
    { begun: 1, by: [1, 2] },
  ],
  [
    "a turn that conflicts four times after an attempt that failed makes the next the second of two",
    "driven turn",
    conflicts(4),
    { begun: 2, by: [2, 3], failed: 1 },
  ],
  [
    "a turn that crashes together with its step leaves each to run alone: the step in the pool, the turn by a new driver",
    "driven turn",
    ["failed"],
    { by: ["pool", 2] },
  ],
  [
    "a turn that has committed and is reported as a conflict is not taken again with its step",
    "driver",
    ["reported conflict"],
    { by: [1, 1] },
  ],
  [
    "a turn that has committed and is reported as failed leaves the next step, which hasn't begun, to the pool",
    "driver",
    ["reported"],
    { begun: 1, by: [1, "pool"] },
  ],
  [
    "a driver that is delayed before the turn of a mutation is waited for",
    "driver",
    ["stalled"],
    { by: [1, 1] },
  ],
  [
    "a driver that is delayed before the turn of an action is waited for: only it knows the action's result",
    "driver",
    ["stalled"],
    { begun: 1, by: [1, 1] },
  ],
])("%s", async (_what, boundary, faults, scene) => {
  const t = faulty(boundary, faults);
  const begun = attempts(scene.failed);
  const isAction = scene.begun !== undefined;
  const { status, first, second } = await run(
    t,
    isAction ? "action" : "mutation",
  );
  expect(status).toMatchObject({ result: [isAction ? "acted" : 1, 2] });
  expect(await effects(t)).toEqual(isAction ? [2] : [1, 2]);
  expect(begun).toHaveLength(scene.begun ?? 0);
  const by = [first, second].map((row) =>
    inPool(row) ? "pool" : row?.drivenBy,
  );
  expect(by).toEqual(scene.by);
  expect(first?.failedAttempts).toBe(scene.failed);
});

test("if a driver can't find out whether its action may begin, the pool runs its first attempt", async () => {
  const calls = new Calls(({ path }) => {
    if (path === "driving:dueStep") throw new Error("An internal error");
  });
  const t = newBackend({ execution: "driver", wrap: calls.wrap });
  const begun = attempts();
  const { status, first } = await run(t, "action");
  expect(status).toMatchObject({ result: ["acted", 2] });
  expect(calls.of("driving:dueStep")).toHaveLength(1);
  expect(begun).toHaveLength(1);
  expect(inPool(first)).toBe(true);
  expect(first?.failedAttempts).toBeUndefined();
});

describe("a driver that is delayed", () => {
  test("beyond an action's time limit is replaced and detects that", async () => {
    const t = faulty("driver", ["stalled"], 90 * MINUTE);
    const workflowId = await startHandler(t, async (step) => [
      await echo(step, 1),
      await step.awaitEvent({ name: "go" }),
    ]);
    await advance(60 * MINUTE);
    expect(await effects(t)).toEqual([]);
    await advance(10 * MINUTE);
    expect(await effects(t)).toEqual([1]);
    await send(t, { workflowId, name: "go" });
    await drain();
    expect(await effects(t)).toEqual([1]);
    expect(await statusOf(t, workflowId)).toMatchObject({ type: "completed" });
  });

  test("until it lacks the time for an action doesn't begin the next one", async () => {
    const t = faulty("driver", ["stalled"]);
    const begun = attempts();
    const workflowId = await startHandler(t, async (step) => {
      await step.runAction(steps.action, act);
      return await step.runAction(steps.action, act);
    });
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: "acted" });
    expect(begun).toHaveLength(2);
    const [first, second] = await journal(t, workflowId);
    expect(first?.drivenBy).toBe(1);
    expect(inPool(second)).toBe(true);
  });
});

test.each<[string, Handler, unknown]>([
  [
    "was detached",
    async (step) => {
      await echo(step, 1);
      await step.awaitEvent({ name: "go" });
      return await echo(step, 2);
    },
    undefined,
  ],
  [
    "was replaced",
    async (step) => {
      await echo(step, 1);
      await step.sleep(10);
      const acted = step.runAction(steps.action, act);
      await Promise.race([acted, step.awaitEvent({ name: "go" })]);
      await acted;
      return await echo(step, 2);
    },
    expect.anything(),
  ],
])(
  "a driver that %s takes no turn and leaves a pending one",
  async (_how, handler, driver) => {
    const t = newBackend({ execution: "driver" });
    slow("act", 5000);
    const workflowId = await startHandler(t, handler);
    await advance(3000);
    await send(t, { workflowId, name: "go" });
    const [row] = await rows(t, "workflows");
    expect(row).toHaveProperty("pendingTurn");
    expect(row!.driver).toEqual(driver);
    const before = await everyRow(t);
    const drive = { driver: 1, stepNumber: 0, shouldHandOver: false };
    await takeTurn(t, workflowId, 0, drive);
    expect(await everyRow(t)).toEqual(before);
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 2 });
  },
);

test.each(["mutation", "action"] as const)(
  "a run with a driver fails with a clear error if its workflow was removed, and its %s is recorded",
  async (type) => {
    let isGone = false;
    const calls = new Calls(({ path }) => {
      if (isGone && path === "workflows:workflow")
        throw new Error("Could not find function workflows:workflow");
    });
    const t = newBackend({ execution: "driver", wrap: calls.wrap });
    const begun = attempts();
    const workflowId = await startHandler(t, async (step) => {
      if (type === "mutation") return await echo(step, 1);
      return await step.runAction(steps.action, act);
    });
    isGone = true;
    await drain();
    expect(await statusOf(t, workflowId)).toEqual({
      type: "failed",
      error: "Could not find function workflows:workflow",
    });
    const [row] = await journal(t, workflowId);
    expect(row!.step.runResult).toMatchObject({ kind: "success" });
    expect((await effects(t)).length + begun.length).toBe(1);
    expect((await rows(t, "workflows"))[0]!.driver).toBeUndefined();
  },
);
