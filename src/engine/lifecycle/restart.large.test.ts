import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  counts,
  insertRun,
  insertSteps,
  jobs,
  restart,
} from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  echo,
  LATER,
  takeTurn,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
import {
  advance,
  drain,
  effects,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { expectRefused } from "../../testing/directCalls.js";
import { send } from "../../testing/events.js";
import type { WorkflowCtx } from "../../client/index.js";

// Restarts that are too much for one transaction, with Convex's limits on.

useBackend();
useQuietConsole();

const startAsync = true;

const echoes = (count: number) => async (step: WorkflowCtx) => {
  for (let value = 0; value < count; value++) await echo(step, value);
  return count;
};

/** A run of so many steps that has ended, whose handler now takes another number of them. */
async function ended(t: Backend, count: number, next: number) {
  const id = await insertRun(t, { runResult: { kind: "failed", error: "no" } });
  await insertSteps(t, id, { from: 0, to: count });
  script("handler", "main", echoes(next));
  return id;
}

describe("startAsync: true deletes thousands of steps in batches, from the last on:", () => {
  test("until the last batch, no turn is taken, and the run can't be restarted or cleaned up", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t, 5000, 12);
    await restart(t, id, { from: 10, startAsync });
    const rest = await journal(t, id);
    expect(rest.length).toBeLessThan(5000);
    expect(rest.length).toBeGreaterThan(3000);
    expect(rest.map(({ stepNumber }) => stepNumber)).toEqual(
      rest.map((_, index) => index),
    );
    expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
    await takeTurn(t, id, 1);
    await expectRefused(t, `Workflow is still running: ${id}`, () =>
      restart(t, id),
    );
    expect(await cleanup(t, id)).toBe(false);
    expect(await journal(t, id)).toEqual(rest);
    expect(await effects(t)).toEqual([]);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(12));
    expect(await effects(t)).toEqual([10, 11]);
  });

  test("if the run is canceled, the rest of the restart does nothing, and a later restart begins anew", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t, 5000, 12);
    await restart(t, id, { from: 10, startAsync });
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    const left = await journal(t, id);
    await drain();
    expect(await journal(t, id)).toEqual(left);
    expect(await effects(t)).toEqual([]);
    await restart(t, id, { from: 11, startAsync });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(12));
    expect(await effects(t)).toEqual([11]);
  });
});

describe("startAsync: true with hundreds of steps in flight", () => {
  const late = (step: WorkflowCtx) =>
    times(300, () => act(step, "late", { runAfter: LATER }));

  test("restarts them, and each runs once", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await startHandler(
      t,
      async (step) => (await Promise.all(late(step))).length,
    );
    await advance(A_WHILE);
    await cancel(t, id);
    await advance(A_WHILE);
    await restart(t, id, { startAsync });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(300));
    expect(ran).toBe(300);
  });

  test("removes their jobs from the pool if they are no longer needed", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await startHandler(t, async (step) => void late(step));
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await jobs(t)).toHaveLength(300);
    script("handler", "main", async () => "nothing");
    await restart(t, id, { from: 0, startAsync });
    await drain();
    expect(ran).toBe(0);
    expect(await statusOf(t, id)).toEqual(completed("nothing"));
    expect(await counts(t)).toEqual({ workflows: 1 });
  });

  test.each([
    ["deletes", 0],
    ["keeps", undefined],
  ])(
    "%s those that await an event: one that is sent meanwhile is there for the run",
    async (_what, from) => {
      const t = newBackend({ transactionLimits: true });
      let first = true;
      const go = (step: WorkflowCtx) => step.awaitEvent({ name: "go" });
      const id = await startHandler(t, async (step) =>
        first || from === undefined
          ? await Promise.any(times(600, () => go(step)))
          : await go(step),
      );
      await advance(A_WHILE);
      await cancel(t, id);
      first = false;
      await restart(t, id, { from, startAsync });
      expect(await journal(t, id)).not.toEqual([]);
      await send(t, { workflowId: id, name: "go", value: "kept" });
      await drain();
      expect(await statusOf(t, id)).toEqual(completed("kept"));
    },
  );
});

describe("startAsync: false", () => {
  test("throws and changes nothing when one transaction is too small", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t, 9000, 1);
    await expectRefused(
      t,
      `Workflow ${id} is too large to be restarted in one transaction. Pass startAsync: true`,
      () => restart(t, id, { from: 0 }),
    );
  });

  test("is enough for the last of thousands of steps, and to execute the handler over hundreds", async () => {
    const t = newBackend({ transactionLimits: true });
    const thousands = await ended(t, 5000, 5000);
    await restart(t, thousands, { from: 4999 });
    await drain();
    expect(await statusOf(t, thousands)).toEqual(completed(5000));
    expect(await effects(t)).toEqual([4999]);
    const hundreds = await ended(t, 1000, 1000);
    await restart(t, hundreds);
    expect(await statusOf(t, hundreds)).toEqual(completed(1000));
  });
});
