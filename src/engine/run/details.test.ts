import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  gate,
  insertRun,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  components,
  drain,
  inComponent,
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
import {
  exportHistory,
  getStatus,
  listEvents,
  listSteps,
  type WorkflowId,
} from "../../client/index.js";

useBackend();
listenToConsole();

const get = (t: Backend, workflowId: string) =>
  t.query((ctx) => manager.getRun(ctx, workflowId));

const startWith = (t: Backend, options: object, handler = "waits") => {
  script("handler", "waits", async (step) => {
    await step.awaitEvent({ name: "go" });
  });
  return t.mutation((ctx) =>
    manager.start(ctx, workflows.workflow, { handler }, options),
  );
};

describe("getRun", () => {
  test("returns the fields of list and the number of steps", async () => {
    const t = newBackend();
    const id = await startWith(t, {});
    const { page } = await t.query((ctx) => manager.list(ctx));
    expect(await get(t, id)).toEqual({
      ...page[0]!,
      steps: { count: 1, inFlight: 1 },
      children: [],
      moreChildren: false,
      generation: 0,
      engineVersion: 1,
    });
  });

  test("returns the start options, the times of deadline and cleanup, and a generation that cancel and restart raise", async () => {
    const t = newBackend();
    const retention = { canceled: 5000 };
    const options = { key: "a key", timeout: 60_000, retention };
    const id = await startWith(t, { ...options, execution: "pool" });
    const startedAt = Date.now();
    const run = await get(t, id);
    expect(run).toMatchObject({ ...options, execution: "pool" });
    expect(run!.deadlineAt).toBe(startedAt + 60_000);
    expect(run).not.toHaveProperty("cleanupAt");
    await advance(1000);
    await cancel(t, id);
    const canceled = await get(t, id);
    expect(canceled!.cleanupAt).toBe(canceled!.endedAt! + 5000);
    expect(canceled).not.toHaveProperty("deadlineAt");
    expect(canceled).not.toHaveProperty("failedAt");
    const { generation } = canceled!;
    expect(generation).toBeGreaterThan(run!.generation);
    await restart(t, id);
    expect((await get(t, id))!.generation).toBeGreaterThan(generation);
  });

  test("returns the parent with its name and status, and the first 20 children", async () => {
    const t = newBackend();
    script("handler", "child", async (step) => {
      await step.awaitEvent({ name: "go" });
    });
    const id = await startHandler(t, (step) =>
      Promise.all(
        Array.from({ length: 21 }, (_, input) =>
          step.runWorkflow(workflows.workflow, { handler: "child", input }),
        ),
      ),
    );
    await advance(1000);
    const { children, moreChildren } = (await get(t, id))!;
    expect(moreChildren).toBe(true);
    expect(children.map(({ stepNumber }) => stepNumber)).toEqual([
      ...Array(20).keys(),
    ]);
    const name = "workflows:workflow";
    expect(children[0]).toMatchObject({ name, status: "inProgress" });
    const child = (await get(t, children[7]!.workflowId))!;
    const status = "inProgress";
    expect(child.parent).toEqual({
      workflowId: id,
      stepNumber: 7,
      name,
      status,
    });
    const last = await t.query((ctx) =>
      manager.listSummaries(ctx, { parent: id, order: "desc" }),
    );
    await cancel(t, last.page[0]!.workflowId);
    await t.mutation((ctx) => manager.cleanup(ctx, last.page[0]!.workflowId));
    const cleanedUp = await get(t, id);
    expect(cleanedUp!.moreChildren).toBe(false);
    expect(cleanedUp!.children).toHaveLength(20);
  });

  test("reads children with large values within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const parent = { workflowId: id as never, generationNumber: 0 };
    const args = { large: "x".repeat(900 * 1024) };
    for (let stepNumber = 0; stepNumber < 20; stepNumber++)
      await insertRun(t, { parent: { ...parent, stepNumber }, args });
    const run = (await get(t, id))!;
    expect(run.moreChildren).toBe(true);
    expect(run.children.length).toBeGreaterThanOrEqual(4);
  });

  test("returns a failed run's step and handler line until a restart", async () => {
    const t = newBackend();
    script("mutation", "fails", () => {
      throw new Error("no");
    });
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.runMutation(steps.mutation, { name: "fails" });
    });
    const failed = (await get(t, workflowId))!;
    expect(failed).toMatchObject({ status: "failed", error: "no" });
    expect(failed.failedAt).toEqual({
      stepNumber: 1,
      line: expect.stringContaining("details.test.ts"),
    });
    script("handler", "main", async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.awaitEvent({ name: "go" });
    });
    await restart(t, workflowId, { from: 1 });
    const restarted = (await get(t, workflowId))!;
    expect(restarted.status).toBe("inProgress");
    for (const field of ["failedAt", "endedAt", "error"])
      expect(restarted).not.toHaveProperty(field);
  });

  test("truncates a long handler line", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async () => {
      const error = new Error("no");
      error.stack = `Error: no\n    at ${"x".repeat(5000)} (app.js:1:1)`;
      throw error;
    });
    const { line } = (await get(t, workflowId))!.failedAt!;
    expect(line).toMatch(/^xxx/);
    expect(line!.length).toBeLessThanOrEqual(512);
  });

  test.each(["driver", "pool"] as const)(
    "shows the turn that is due and the driver: %s",
    async (execution) => {
      const t = newBackend({ execution });
      const { open, passed } = gate();
      script("action", "slow", () => passed);
      script("handler", "later", async (step) => {
        await step.runAction(steps.action, { name: "slow" });
      });
      const runAt = Date.now() + 60_000;
      const id = await startWith(t, { runAt }, "later");
      const pending = { state: "pending", dueAt: runAt };
      expect((await get(t, id))!.turn).toEqual(pending);
      await advance(62_000);
      const run = (await get(t, id))!;
      expect(run.steps).toEqual({ count: 1, inFlight: 1 });
      expect(run).not.toHaveProperty("turn");
      const driver = { number: 1, state: "running", dueAt: expect.any(Number) };
      expect(run.driver).toEqual(execution === "pool" ? undefined : driver);
      open(null);
      await drain();
      const ended = (await get(t, id))!;
      expect(ended.status).toBe("completed");
      for (const field of ["driver", "failedAt"])
        expect(ended).not.toHaveProperty(field);
    },
  );
});

test("a status shows as many steps in flight as one reply can hold", async () => {
  const t = newBackend({ transactionLimits: true });
  const id = await insertRun(t);
  await inComponent(t, async (ctx) => {
    for (let stepNumber = 0; stepNumber < 3000; stepNumber++)
      await ctx.db.insert("steps", {
        workflowId: id as never,
        stepNumber,
        step: {
          kind: "sleep",
          name: `sleep ${stepNumber}`,
          inProgress: true,
          args: {},
          argsSize: 0,
          startedAt: 0,
        },
      });
  });
  const status = await statusOf(t, id);
  const running = status.type === "inProgress" ? status.running : [];
  expect(running.length).toBeGreaterThanOrEqual(500);
  expect(running[0]).toMatchObject({ name: "sleep 0" });
});

test("reading a run with an invalid or cleaned-up id throws, but the console's functions return nothing", async () => {
  const t = newBackend();
  const { workflowId: gone } = await runHandler(t, (step) => step.sleep(1));
  const [step] = await rows(t, "steps");
  await cleanup(t, gone);
  await drain();
  const errors: [string, string][] = [
    ["garbage", "Invalid workflow ID: garbage"],
    [step!._id, `Invalid workflow ID: ${step!._id}`],
    [gone, `Workflow not found: ${gone}`],
  ];
  for (const [id, error] of errors) {
    for (const read of [getStatus, listSteps, listEvents, exportHistory])
      await expect(
        t.query((ctx) => read(ctx, components.workflow, id as WorkflowId)),
      ).rejects.toThrow(error);
    const found = await t.query(async (ctx) => [
      await manager.getRun(ctx, id),
      await manager.getStep(ctx, id, 0),
      await manager.listStepSummaries(ctx, id),
    ]);
    const page = { page: [], isDone: true, continueCursor: "" };
    expect(found).toEqual([null, null, page]);
  }
});
