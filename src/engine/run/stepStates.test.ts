import { describe, expect, test } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import {
  cancel,
  insertRun,
  insertSteps,
  restart,
} from "../../testing/managing.js";
import {
  advance,
  components,
  drain,
  inComponent,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { cleanup, listSteps, type WorkflowId } from "../../client/index.js";

useBackend();

const { workflow } = components;
const listed = async (t: Backend, id: WorkflowId) =>
  (await t.query((ctx) => listSteps(ctx, workflow, id))).page;
const states = async (t: Backend, id: WorkflowId) =>
  (await listed(t, id)).map(({ state }) => state);

const never = () => new Promise(() => undefined);
const HOUR = 3_600_000;

describe.each(["driver", "pool"] as const)(
  "with steps executed by the %s",
  (execution) => {
    test("an action is queued until it begins, running until it ends, then done", async () => {
      const t = newBackend({ execution });
      let end!: (value: number) => void;
      script("action", "slow", () => new Promise((resolve) => (end = resolve)));
      const id = await startHandler(t, (step) =>
        step.runAction(steps.action, { name: "slow" }),
      );
      const [queued] = await listed(t, id);
      expect(queued).toMatchObject({
        functionType: "action",
        state: "queued",
        attempts: [],
      });
      await advance(5000);
      const [running] = await listed(t, id);
      expect(running).toMatchObject({
        state: "running",
        attempts: [{ startedAt: queued!.startedAt }],
      });
      end(7);
      await drain();
      const [done] = await listed(t, id);
      const { completedAt } = done!;
      expect(done).toMatchObject({
        state: "done",
        attempts: [{ startedAt: queued!.startedAt, endedAt: completedAt }],
      });
      expect(completedAt! - queued!.startedAt).toBeGreaterThanOrEqual(5000);
    });

    test("an action that failed backs off until its next attempt is due, and shows when each attempt ran and why it failed", async () => {
      const t = newBackend({ execution });
      const times: number[] = [];
      script("action", "flaky", async () => {
        times.push(Date.now());
        await new Promise((end) => setTimeout(end, 500));
        if (times.length < 3) throw new Error(`attempt ${times.length}`);
        return "ok";
      });
      const retry = { maxAttempts: 5, initialBackoffMs: HOUR, base: 1 };
      const id = await startHandler(t, (step) =>
        step.runAction(steps.action, { name: "flaky" }, { retry }),
      );
      await advance(10_000);
      const [backingOff] = await listed(t, id);
      expect(backingOff).toMatchObject({
        state: "backingOff",
        attempts: [{ startedAt: times[0], error: "attempt 1" }],
      });
      const { dueAt, attempts } = backingOff!;
      expect(attempts[0]!.endedAt! - times[0]!).toBeGreaterThanOrEqual(500);
      expect(dueAt! - Date.now()).toBeGreaterThan(HOUR / 3);
      await drain();
      const [done] = await listed(t, id);
      expect(done!.dueAt).toBeUndefined();
      expect(done!.attempts).toMatchObject([
        { startedAt: times[0], error: "attempt 1" },
        { startedAt: times[1], error: "attempt 2" },
        { endedAt: done!.completedAt },
      ]);
      const last = done!.attempts[2]!;
      expect(last.error).toBeUndefined();
      expect(Math.abs(last.startedAt - times[2]!)).toBeLessThan(5000);
      expect(await statusOf(t, id)).toMatchObject({ result: "ok" });
    });
  },
);

test("a step keeps its last ten attempts, each error cut to 1 KiB, and a turn's journal has none of them", async () => {
  const t = newBackend({ execution: "pool" });
  let calls = 0;
  script("action", "fails", () => {
    throw new Error(`${++calls} ${"é".repeat(2000)}`);
  });
  const retry = { maxAttempts: 14, initialBackoffMs: 10, base: 1 };
  const id = await startHandler(t, async (step) => {
    await step
      .runAction(steps.action, { name: "fails" }, { retry })
      .catch(() => 0);
    await step.awaitEvent({ name: "never" });
  });
  await advance(600_000);
  const [step] = await listed(t, id);
  expect(step!.attempts.map(({ error }) => error!.split(" ")[0])).toEqual([
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "11",
    "12",
    "13",
    "14",
  ]);
  for (const { error } of step!.attempts)
    expect(Buffer.byteLength(error!)).toBeLessThanOrEqual(1024);
  const [row] = await journal(t, id);
  expect(row!.attempts).toHaveLength(10);
  const { journalEntries } = await t.query((ctx) =>
    ctx.runQuery(components.workflow.journal.load, { workflowId: id }),
  );
  const [entry] = journalEntries;
  expect(entry).toBeDefined();
  expect(entry!.attempts).toBeUndefined();
});

test.each(["driver", "pool"] as const)(
  "a result that fills its row leaves no room for attempts, and is kept (%s)",
  async (execution) => {
    const t = newBackend({ execution });
    const args = { name: "big", input: "x".repeat(250_000) };
    let calls = 0;
    const size = 1_048_576 - 4096 - 250_000 - 100;
    script("action", "big", () => {
      if (++calls <= 10) throw new Error("y".repeat(3000));
      return "x".repeat(size);
    });
    const retry = { maxAttempts: 20, initialBackoffMs: 10, base: 1 };
    const id = await startHandler(t, async (step) => {
      const { length } = (await step.runAction(steps.action, args, {
        retry,
      })) as string;
      return length;
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: size });
    const [row] = await journal(t, id);
    expect(row!.attempts).toBeUndefined();
    expect((await listed(t, id))[0]!.attempts).toHaveLength(1);
  },
);

test("steps with runAfter are scheduled until then, a nested workflow too; waits say when they end", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.awaitEvent({ name: "never" }));
  const id = await startHandler(t, (step) =>
    Promise.all([
      step.runMutation(steps.echo, { value: 1 }, { runAfter: HOUR }),
      step.runWorkflow(
        workflows.workflow,
        { handler: "child" },
        { runAfter: 2 * HOUR },
      ),
      step.sleep(3 * HOUR),
      step.awaitEvent({ name: "go", timeout: 4 * HOUR }),
      step.awaitEvent({ name: "go" }),
    ]),
  );
  const started = Date.now();
  await advance(1000);
  const found = await listed(t, id);
  expect(
    found.map(({ state, dueAt }) => [state, dueAt && dueAt - started]),
  ).toEqual([
    ["scheduled", HOUR],
    ["scheduled", 2 * HOUR],
    ["waiting", 3 * HOUR],
    ["waiting", 4 * HOUR],
    ["waiting", undefined],
  ]);
  await advance(2.5 * HOUR);
  expect(await states(t, id)).toEqual([
    "done",
    "running",
    "waiting",
    "waiting",
    "waiting",
  ]);
});

test("when a run is canceled, its steps in flight are done, without a result and not due any more", async () => {
  const t = newBackend();
  const options = { runAfter: HOUR };
  const id = await startHandler(t, (step) =>
    Promise.all([
      step.runMutation(steps.echo, { value: 1 }, options),
      step.runAction(steps.action, { name: "a" }, options),
      step.runWorkflow(workflows.workflow, { handler: "child" }, options),
      step.sleep(HOUR),
      step.awaitEvent({ name: "go", timeout: HOUR }),
    ]),
  );
  await advance(1000);
  await cancel(t, id);
  for (const step of await listed(t, id)) {
    expect(step).toMatchObject({ state: "done", attempts: [] });
    expect(step.dueAt).toBeUndefined();
    expect(step.runResult?.kind).not.toBe("success");
  }
});

test("a child's status is that of its run: in progress, ended, restarted, or absent once it was cleaned up", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.sleep(1000));
  const id = await startHandler(t, async (step) => {
    await step.runWorkflow(workflows.workflow, { handler: "child" });
    await step.awaitEvent({ name: "never" });
  });
  const child = async () => {
    const [step] = await listed(t, id);
    return step!.kind === "workflow" ? step!.child : undefined;
  };
  const { workflowId } = (await child())!;
  const status = async () => (await child())?.status;
  expect(await status()).toBe("inProgress");
  await advance(2000);
  expect(await status()).toBe("completed");
  await restart(t, workflowId, { from: 0 });
  expect(await status()).toBe("inProgress");
  await cancel(t, workflowId);
  expect(await status()).toBe("canceled");
  await t.mutation((ctx) => cleanup(ctx, workflow, workflowId));
  expect(await child()).toBeUndefined();
});

test("a step that waits for a slot of the pool is queued, the ones that have one are running", async () => {
  const t = newBackend({ execution: "pool" });
  await inComponent(t, (ctx) =>
    ctx.runMutation(component.utils.updateConfig, { maxParallelism: 2 }),
  );
  script("action", "slow", never);
  const id = await startHandler(t, (step) =>
    Promise.all(
      [1, 2, 3].map(() => step.runAction(steps.action, { name: "slow" })),
    ),
  );
  await advance(5000);
  expect((await states(t, id)).sort()).toEqual([
    "queued",
    "running",
    "running",
  ]);
});

test("a step of 0.4 shows what is known", async () => {
  const t = newBackend();
  const id = await insertRun(t, { engineVersion: undefined });
  await insertSteps(t, id, { from: 0, to: 1 });
  await insertSteps(t, id, { from: 1, to: 2 }, () => ({
    step: { inProgress: true, runResult: undefined, completedAt: undefined },
    row: { failedAttempts: 2 },
  }));
  expect(await listed(t, id)).toMatchObject([
    { state: "done", attempts: [{ startedAt: 0, endedAt: 0 }] },
    { state: "queued", attempts: [] },
  ]);
});

test("a page of steps costs as much in a journal of thousands as in one of hundreds", async () => {
  const read = async (count: number) => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: count });
    const page = (cursor: string | null) => ({
      paginationOpts: { numItems: 20, cursor },
    });
    const { continueCursor } = await t.query((ctx) =>
      listSteps(ctx, workflow, id, page(null)),
    );
    return await t.query(async (ctx) => {
      await listSteps(ctx, workflow, id, page(continueCursor));
      const { documentsRead, databaseQueries } =
        await ctx.meta.getTransactionMetrics();
      return [documentsRead.used, databaseQueries.used];
    });
  };
  const few = await read(200);
  expect(few[0]).toBeGreaterThanOrEqual(20);
  expect(few[0]).toBeLessThanOrEqual(23);
  expect(few[1]).toBeLessThanOrEqual(4);
  expect(await read(5000)).toEqual(few);
});
