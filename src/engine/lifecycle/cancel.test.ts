import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  gate,
  jobs,
  rowCounts,
  startWithOnComplete,
} from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  child,
  LATER,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
import { expectRefused } from "../../testing/directCalls.js";
import { manager } from "../../testing/app/workflows.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  components,
  drain,
  endings,
  journal,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { WorkflowId } from "../../client/index.js";

useBackend();
useQuietConsole();

describe("cancel stops a run now:", () => {
  const late = { name: "late" };
  const retry = { maxAttempts: 5, initialBackoffMs: 60_000, base: 2 };
  let begun = 0;
  const begin = () => {
    begun++;
    throw new Error("no");
  };

  test.each<[string, Handler, { jobs: number; begun?: 1; startAsync?: true }]>([
    [
      "a mutation that has not begun",
      (step) => step.runMutation(steps.mutation, late),
      { jobs: 0 },
    ],
    [
      "a query that has not begun",
      (step) => step.runQuery(steps.query, late),
      { jobs: 0 },
    ],
    ["an action that has not begun", (step) => act(step, "late"), { jobs: 1 }],
    [
      "a retry that is due",
      (step) => act(step, "late", { retry }),
      { jobs: 1, begun: 1 },
    ],
    [
      "a child that is due much later",
      (step) =>
        step.runWorkflow(
          workflows.workflow,
          { handler: "late" },
          { runAfter: LATER },
        ),
      { jobs: 1 },
    ],
    ["a run that has not begun", begin, { jobs: 1, startAsync: true }],
  ])("%s never begins, and leaves the pool", async (_what, handler, scene) => {
    const t = newBackend({ execution: "driver" });
    begun = 0;
    for (const kind of ["mutation", "query", "action", "handler"] as const)
      script(kind, "late", begin);
    const { startAsync } = scene;
    const id = await startHandler(t, handler, { startAsync, context: "mine" });
    if (scene.begun) await advance(A_WHILE);
    expect(await jobs(t)).toHaveLength(scene.jobs);
    await cancel(t, id);
    expect(await jobs(t)).toEqual([]);
    expect(await endings(t)).toMatchObject([
      { workflowId: id, result: { kind: "canceled" }, context: "mine" },
    ]);
    await drain();
    expect(begun).toBe(scene.begun ?? 0);
    for (const { runResult, driver } of await rows(t, "workflows"))
      expect([runResult!.kind, driver]).toEqual(["canceled", undefined]);
    expect(await endings(t)).toHaveLength(1);
  });

  test.each([
    ["finishes", "driver"],
    ["finishes", "pool"],
    ["fails", "driver"],
    ["fails", "pool"],
  ] as const)(
    "a running action that %s is ignored quietly and not retried (%s)",
    async (end, execution) => {
      const t = newBackend({ execution });
      const { open, passed } = gate();
      let attempts = 0;
      let finished = 0;
      script("action", "slow", async () => {
        attempts++;
        await passed;
        finished++;
        if (end === "fails") throw new Error("too late");
        return "too late";
      });
      const id = await startHandler(t, (step) =>
        act(step, "slow", { retry: true }),
      );
      await advance(A_WHILE);
      await cancel(t, id);
      await advance(A_WHILE);
      open(null);
      await drain();
      expect([attempts, finished]).toEqual([1, 1]);
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
      const [row] = await journal(t, id);
      expect(row!.step.runResult).toBeUndefined();
    },
  );
});

describe("cancel throws and changes nothing for a run", () => {
  const ending = async (t: Backend, handler: Handler) =>
    (await runHandler(t, handler, { context: 1 })).workflowId;

  test.each<[string, (t: Backend) => Promise<WorkflowId>]>([
    ["completed", (t) => ending(t, async () => 1)],
    ["failed", (t) => ending(t, () => Promise.reject(new Error("no")))],
    [
      "canceled",
      async (t) => {
        const id = await startHandler(t, (step) => step.sleep(LATER));
        await cancel(t, id);
        return id;
      },
    ],
  ])("that is %s: the error names its id and state", async (state, endRun) => {
    const t = newBackend();
    const id = await endRun(t);
    const error = `Can't cancel workflow ${id}: it is already ${state}.`;
    await expectRefused(t, error, () => cancel(t, id));
  });

  test("unless ifFinished ignores an ended run, which cancel reports", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LATER));
    const cancelUnlessEnded = () =>
      t.mutation((ctx) => manager.cancel(ctx, id, { ifFinished: "ignore" }));
    expect(await cancelUnlessEnded()).toBe(true);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    const before = await everyRow(t);
    expect(await cancelUnlessEnded()).toBe(false);
    expect(await everyRow(t)).toEqual(before);
    await cleanup(t, id);
    await expect(cancelUnlessEnded()).rejects.toThrow("Workflow not found");
  });
});

test("if onComplete cleans up a canceled run in the same transaction, its pending work never begins", async () => {
  const t = newBackend({ transactionLimits: true });
  let ran = 0;
  script("action", "late", () => ran++);
  script("handler", "child", (step) => step.sleep(LATER));
  const id = await startWithOnComplete(
    t,
    (step) =>
      Promise.all([
        child(step),
        ...times(150, () => act(step, "late", { runAfter: LATER })),
      ]),
    (ctx, { workflowId }) =>
      client.cleanup(ctx, components.workflow, workflowId),
  );
  await advance(A_WHILE);
  await cancel(t, id);
  await drain();
  expect(ran).toBe(0);
  expect(await rowCounts(t)).toEqual({});
});
