import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  counts,
  insertRun,
  insertSteps,
  jobs,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import {
  advance,
  drain,
  effects,
  endings,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { send } from "../../testing/events.js";
import { everyRow } from "../../testing/tables.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

// Restarts that are too much for one transaction, with Convex's limits on.

useBackend();
const heard = listenToConsole();

const A_WHILE = 10_000;
const LATER = 100_000;

const echoes = (count: number) => async (step: WorkflowCtx) => {
  for (let value = 0; value < count; value++)
    await step.runMutation(steps.echo, { value });
  return count;
};

/** A run of 5,000 steps that has ended. */
async function ended(t: Backend): Promise<WorkflowId> {
  const runResult = { kind: "success" as const, returnValue: 5000 };
  const id = await insertRun(t, { runResult });
  await insertSteps(t, id, { from: 0, to: 5000 });
  return id;
}

/** A run of 300 actions, all of them in the pool for later. */
const parallel = (t: Backend) =>
  startHandler(
    t,
    async (step) => {
      const all = Array.from({ length: 300 }, (_, value) =>
        step.runAction(
          steps.action,
          { name: "late", input: value },
          { runAfter: LATER },
        ),
      );
      return (await Promise.all(all)).length;
    },
    { context: "mine" },
  );

describe("startAsync: true", () => {
  test("deletes thousands of steps in batches, from the last on", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t);
    script("handler", "main", echoes(12));
    await restart(t, id, { from: 10, startAsync: true });
    const rest = await journal(t, id);
    expect(rest.length).toBeLessThan(5000);
    expect(rest.length).toBeGreaterThan(3000);
    expect(rest.map(({ stepNumber }) => stepNumber)).toEqual(
      rest.map((_, index) => index),
    );
    expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
    expect(await effects(t)).toEqual([]);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(12));
    expect(await effects(t)).toEqual([10, 11]);
    expect(heard.said).toEqual([]);
  });

  test("takes no turn before the last batch, even if something else wakes the run", async () => {
    const t = newBackend();
    const id = await ended(t);
    let turns = 0;
    script("handler", "main", async (step) => {
      turns++;
      return await echoes(1)(step);
    });
    await restart(t, id, { from: 1, startAsync: true });
    await t.mutation((ctx) =>
      ctx.runMutation(
        "workflows:workflow" as never,
        {
          workflowId: id,
          generationNumber: 1,
        } as never,
      ),
    );
    expect(turns).toBe(0);
    await drain();
    expect(turns).toBeGreaterThan(0);
    expect(await statusOf(t, id)).toEqual(completed(1));
  });

  test("restarts hundreds of steps in flight, each of which then runs once", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await parallel(t);
    await advance(A_WHILE);
    await cancel(t, id);
    await advance(A_WHILE);
    await restart(t, id, { startAsync: true });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(300));
    expect(ran).toBe(300);
    expect(heard.said).toEqual([]);
  });

  test("removes hundreds of jobs that are no longer needed from the pool", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await startHandler(t, async (step) => {
      for (let value = 0; value < 300; value++)
        void step.runAction(
          steps.action,
          { name: "late", input: value },
          { runAfter: LATER },
        );
    });
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await jobs(t)).toHaveLength(300);
    script("handler", "main", async () => "nothing");
    await restart(t, id, { from: 0, startAsync: true });
    await drain();
    expect(ran).toBe(0);
    expect(await statusOf(t, id)).toEqual(completed("nothing"));
    expect(await counts(t)).toEqual({ workflows: 1 });
    expect(heard.said).toEqual([]);
  });
});

describe("startAsync: false", () => {
  test("throws and changes nothing when one transaction is too small", async () => {
    const t = newBackend({ transactionLimits: true });
    const runResult = { kind: "success" as const, returnValue: null };
    const id = await insertRun(t, { runResult });
    await insertSteps(t, id, { from: 0, to: 9000 });
    script("handler", "main", echoes(1));
    const before = await everyRow(t);
    await expect(restart(t, id, { from: 0 })).rejects.toThrow(
      `Workflow ${id} is too large to be restarted in one transaction. Pass startAsync: true`,
    );
    expect(await everyRow(t)).toEqual(before);
  });

  test("is enough for the last of thousands of steps", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t);
    script("handler", "main", echoes(5000));
    await restart(t, id, { from: 4999 });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(5000));
    expect(await effects(t)).toEqual([4999]);
  });

  test("is enough to execute the handler over hundreds of steps", async () => {
    const t = newBackend({ transactionLimits: true });
    const runResult = { kind: "failed" as const, error: "bug" };
    const id = await insertRun(t, { runResult });
    await insertSteps(t, id, { from: 0, to: 1000 });
    script("handler", "main", echoes(1000));
    await restart(t, id);
    expect(await statusOf(t, id)).toEqual(completed(1000));
  });
});

describe("between the batches of a restart", () => {
  test("the run may be canceled: the rest of the restart does nothing, and a later restart begins anew", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await ended(t);
    script("handler", "main", echoes(12));
    await restart(t, id, { from: 10, startAsync: true });
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    const left = await journal(t, id);
    await drain();
    expect(await journal(t, id)).toEqual(left);
    expect(await effects(t)).toEqual([]);
    await restart(t, id, { from: 11, startAsync: true });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(12));
    expect(await effects(t)).toEqual([11]);
    expect(heard.said).toEqual([]);
  });

  test("the run may be canceled, restarted and canceled while all of it is still pending", async () => {
    const t = newBackend();
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await parallel(t);
    await advance(A_WHILE);
    await cancel(t, id);
    await restart(t, id, { startAsync: true });
    await cancel(t, id);
    await restart(t, id, { startAsync: true });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(300));
    expect(ran).toBe(300);
    expect((await endings(t)).map(({ result }) => result.kind)).toEqual([
      "canceled",
      "canceled",
      "success",
    ]);
    expect(heard.said).toEqual([]);
  });

  test("the run can't be restarted or cleaned up", async () => {
    const t = newBackend();
    const id = await ended(t);
    script("handler", "main", echoes(1));
    await restart(t, id, { from: 1, startAsync: true });
    await expect(restart(t, id)).rejects.toThrow(
      `Workflow is still running: ${id}`,
    );
    expect(await cleanup(t, id)).toBe(false);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(1));
  });
});

/** A run that awaits 600 events is canceled, and restarted in several transactions. */
async function restartedInBatches(t: Backend, from: number | undefined) {
  let first = true;
  const go = (step: WorkflowCtx) => step.awaitEvent({ name: "go" });
  const id = await startHandler(t, async (step) =>
    first || from === undefined
      ? await Promise.any(Array.from({ length: 600 }, () => go(step)))
      : await go(step),
  );
  await advance(A_WHILE);
  await cancel(t, id);
  first = false;
  await restart(t, id, { from, startAsync: true });
  return id;
}

test.each([
  ["deletes", 0],
  ["keeps", undefined],
])(
  "an event that is sent while a restart %s steps in several transactions is there for the run",
  async (_what, from) => {
    const t = newBackend({ transactionLimits: true });
    const id = await restartedInBatches(t, from);
    expect(await journal(t, id)).not.toEqual([]);
    await send(t, { workflowId: id, name: "go", value: "kept" });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("kept"));
    expect(heard.said).toEqual([]);
  },
);
