import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  insertRun,
  insertSteps,
  jobs,
  restart,
  rowCounts,
} from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  child,
  echo,
  LATER,
  outcomes,
  takeTurn,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
import {
  advance,
  drain,
  effects,
  endings,
  inComponent,
  journal,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import type { Handler } from "../../testing/app/scripts.js";
import { expectRefused } from "../../testing/directCalls.js";
import { send } from "../../testing/events.js";
import { completed } from "../../testing/statuses.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

// Cancels and restarts runs that are too large for one transaction under Convex's limits. For cleanup, see
// cleanup.test.ts.

useBackend();
useQuietConsole();

const startAsync = true;

/** Asks for `count` actions that begin later. */
const later = (step: WorkflowCtx, count: number) =>
  times(count, () => act(step, "late", { runAfter: LATER }));

const late =
  (count: number): Handler =>
  async (step) =>
    (await Promise.all(later(step, count))).length;

/** Counts the actions that begin. */
function countLate() {
  const begun: unknown[] = [];
  script("action", "late", () => begun.push("late"));
  return begun;
}

const echoes = (count: number) => async (step: WorkflowCtx) => {
  for (let value = 0; value < count; value++) await echo(step, value);
  return count;
};

/** Returns an ended run with many steps, whose handler now asks for another number. */
async function ended(t: Backend, count: number, next: number) {
  const id = await insertRun(t, { runResult: { kind: "failed", error: "no" } });
  await insertSteps(t, id, { from: 0, to: count });
  script("handler", "main", echoes(next));
  return id;
}

describe("cancel reaches", () => {
  const children =
    (count: number): Handler =>
    (step) =>
      Promise.all(times(count, (at) => child(step, at)));
  const down: Handler = (step, depth: number) =>
    depth === 0 ? step.sleep(LATER) : child(step, depth - 1);
  const wide: Handler = (step) =>
    Promise.all(times(90, () => step.sleep(LATER)));

  test.each<[string, Handler, Handler, { runs: number; jobs: number }]>([
    [
      "runs nested five deep",
      (step) => child(step, 4),
      down,
      { runs: 6, jobs: 0 },
    ],
    [
      "300 nested runs, each with a job in the pool",
      children(300),
      late(1),
      { runs: 301, jobs: 300 },
    ],
    [
      "nested runs whose own steps are many",
      children(20),
      wide,
      { runs: 21, jobs: 0 },
    ],
    ["400 steps in flight", late(400), late(0), { runs: 1, jobs: 400 }],
  ])(
    "%s, in transactions within limits, and nothing begins",
    async (_what, handler, nested, scene) => {
      const t = newBackend({ transactionLimits: true });
      const begun = countLate();
      script("handler", "child", nested);
      const id = await startHandler(t, handler, { context: "all" });
      await advance(A_WHILE);
      expect(await rows(t, "workflows")).toHaveLength(scene.runs);
      expect(await jobs(t)).toHaveLength(scene.jobs);
      await cancel(t, id);
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
      // Other transactions do the rest.
      expect((await jobs(t)).length > 0).toBe(scene.jobs > 0);
      // Lists must stay short, because Convex refuses arrays of more than 8,192.
      const lists = new Map<string, unknown[]>();
      for (let left = [""]; left.length > 0; await advance(1)) {
        const tasks = await rows(t, "tasks");
        for (const { _id, args } of tasks) lists.set(_id, args.runs);
        left = tasks.map(({ _id }) => _id);
      }
      // The cancel leaves two. Between two looks, further ones may come and go.
      if (scene.runs > 300) expect(lists.size).toBeGreaterThanOrEqual(2);
      for (const runs of lists.values())
        expect(runs.length).toBeLessThanOrEqual(100);
      await advance(A_WHILE);
      expect(new Set(await outcomes(t))).toEqual(new Set(["canceled"]));
      expect(await jobs(t)).toEqual([]);
      await drain();
      expect(begun).toHaveLength(0);
      expect(await endings(t)).toHaveLength(1);
    },
  );

  test("500 waits among 5,000 steps", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await startHandler(t, (step) => step.sleep(LATER));
    const waits = (at: number) => at % 10 === 1;
    await insertSteps(t, id, { from: 1, to: 5000 }, (at) => ({
      step: {
        kind: "event",
        functionType: undefined,
        handle: undefined,
        args: {},
        name: "go",
        ...(waits(at) && { inProgress: true, runResult: undefined }),
      } as never,
    }));
    await inComponent(t, async (ctx) => {
      for (const row of await ctx.db.query("steps").collect()) {
        if (!waits(row.stepNumber)) continue;
        const eventId = await ctx.db.insert("events", {
          workflowId: id as never,
          name: "go",
          createdByWait: true,
          waiter: row.stepNumber,
          state: { kind: "waiting", waitingAt: 0, stepId: row._id },
        });
        const step = { ...row.step, eventId } as never;
        await ctx.db.patch("steps", row._id, { step });
      }
    });
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    await advance(A_WHILE);
    const states = (await rows(t, "events")).map(({ state }) => state.kind);
    expect(states).toEqual(times(500, () => "created"));
  });
});

describe("between the transactions of a cancellation, 300 steps in flight", () => {
  type Act = (t: Backend, id: WorkflowId) => Promise<unknown>;
  const again: Act = (t, id) => restart(t, id);
  const againLater: Act = (t, id) => restart(t, id, { startAsync: true });

  test.each<[string, Act[], string[]]>([
    ["run once after a restart", [again], ["success"]],
    ["run once after a restart by the pool", [againLater], ["success"]],
    [
      "run once after a restart, a cancel and a restart",
      [againLater, cancel, againLater],
      ["canceled", "success"],
    ],
    ["never run after a cleanup, which leaves nothing", [cleanup], []],
    [
      "never run after a restart, a cancel and a cleanup, which leaves nothing",
      [againLater, cancel, cleanup],
      ["canceled"],
    ],
  ])("%s", async (_what, acts, ends) => {
    const t = newBackend({ transactionLimits: true });
    const begun = countLate();
    const id = await startHandler(t, late(300), { context: "mine" });
    await cancel(t, id);
    for (const each of acts) await each(t, id);
    await drain();
    const isGone = acts.includes(cleanup);
    expect(begun).toHaveLength(isGone ? 0 : 300);
    const kinds = (await endings(t)).map(({ result }) => result.kind);
    expect(kinds).toEqual(["canceled", ...ends]);
    if (isGone) expect(await rowCounts(t)).toEqual({});
    else expect(await statusOf(t, id)).toEqual(completed(300));
  });
});

describe("restart with startAsync: true deletes thousands of steps in batches, last ones first:", () => {
  test("before the last batch, no turn runs, and the run can't be restarted or cleaned up", async () => {
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

  test("if the run is canceled, the rest of the restart does nothing, and a later restart starts over", async () => {
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

describe("restart with startAsync: true and hundreds of steps in flight", () => {
  test("restarts them so that each runs once", async () => {
    const t = newBackend({ transactionLimits: true });
    const begun = countLate();
    const id = await startHandler(t, late(300));
    await advance(A_WHILE);
    await cancel(t, id);
    await advance(A_WHILE);
    await restart(t, id, { startAsync });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(300));
    expect(begun).toHaveLength(300);
  });

  test("removes their jobs from the pool if they are no longer needed", async () => {
    const t = newBackend({ transactionLimits: true });
    const begun = countLate();
    const id = await startHandler(t, async (step) => void later(step, 300));
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await jobs(t)).toHaveLength(300);
    script("handler", "main", async () => "nothing");
    await restart(t, id, { from: 0, startAsync });
    await drain();
    expect(begun).toHaveLength(0);
    expect(await statusOf(t, id)).toEqual(completed("nothing"));
    expect(await rowCounts(t)).toEqual({ workflows: 1 });
  });

  test.each([
    ["deletes", 0],
    ["keeps", undefined],
  ])(
    "%s event waits, and an event that is sent meanwhile reaches the run",
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

describe("restart with startAsync: false", () => {
  test("throws and changes nothing if one transaction is too small", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t, 9000, 1);
    await expectRefused(
      t,
      `Workflow ${id} is too large to be restarted in one transaction. Pass startAsync: true`,
      () => restart(t, id, { from: 0 }),
    );
  });

  test("can restart the last of thousands of steps, and execute the handler over hundreds", async () => {
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
