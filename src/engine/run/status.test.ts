import { describe, expect, test } from "vitest";
import { cancel, cleanup, insertRun } from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import { create } from "../../testing/events.js";
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
import { completed, failed } from "../../testing/statuses.js";
import { getStatus, type WorkflowId } from "../../client/index.js";

useBackend();

async function runningOf(t: Backend, id: WorkflowId) {
  const status = await statusOf(t, id);
  if (status.type !== "inProgress") throw new Error(`It is ${status.type}`);
  return status.running;
}

describe("a finished run", () => {
  test("is completed with what its handler returned", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, async () => ({ a: [1n, null] }));
    expect(status).toEqual(completed({ a: [1n, null] }));
  });

  test("is completed with null when its handler returned nothing", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, async () => undefined);
    expect(status).toEqual(completed(null));
  });

  test("is failed with the error that its handler threw", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, (step) =>
      step.runMutation(steps.fail, { message: "out of paper" }),
    );
    expect(status).toEqual(failed("out of paper"));
  });

  test("is canceled", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
  });
});

describe("a run in progress lists its steps in flight:", () => {
  test("functions, with name, kind, arguments and when they were started", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      Promise.all([
        step.runMutation(steps.echo, { value: 1 }, { name: "one" }),
        step.runQuery(steps.echoQuery, { value: 2 }),
        step.runAction(steps.echoAction, { value: 3 }),
        step.runAction(steps.echoAction, { value: 4 }, { runAfter: 60_000 }),
      ]),
    );
    const startedAt = Date.now();
    const common = { kind: "function", startedAt, inProgress: true };
    expect(await runningOf(t, id)).toMatchObject([
      {
        ...common,
        name: "one",
        functionType: "mutation",
        args: { value: 1 },
        workId: expect.any(String) as string,
      },
      {
        ...common,
        name: "steps:echoQuery",
        functionType: "query",
        args: { value: 2 },
      },
      {
        ...common,
        name: "steps:echoAction",
        functionType: "action",
        args: { value: 3 },
      },
      { ...common, functionType: "action", args: { value: 4 } },
    ]);
    await advance(1000);
    expect(await runningOf(t, id)).toMatchObject([{ args: { value: 4 } }]);
  });

  test("a nested run, with its id", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(1000));
    const id = await startHandler(t, (step) =>
      step.runWorkflow(workflows.workflow, { handler: "child" }),
    );
    await advance(100);
    const [running] = await runningOf(t, id);
    expect(running).toMatchObject({
      kind: "workflow",
      name: "workflows:workflow",
      args: { handler: "child" },
      startedAt: expect.any(Number) as number,
    });
    const child = (running as { workflowId: WorkflowId }).workflowId;
    expect(await runningOf(t, child)).toMatchObject([{ kind: "sleep" }]);
  });

  test("sleeps, and waits for events by name and by id", async () => {
    const t = newBackend();
    const id = await startHandler(
      t,
      (step) =>
        Promise.all([
          step.sleep(1000, { name: "nap" }),
          step.awaitEvent({ name: "signal" }),
          step.awaitEvent({ id: event, name: "approval" }),
        ]),
      { startAsync: true },
    );
    const event = await create(t, id, "approval");
    await advance(100);
    const startedAt = expect.any(Number) as number;
    const byName = (await rows(t, "events")).find(
      ({ name }) => name === "signal",
    )!;
    expect(await runningOf(t, id)).toMatchObject([
      { kind: "sleep", name: "nap", args: {}, startedAt },
      {
        kind: "event",
        name: "signal",
        args: {},
        eventId: byName._id,
        startedAt,
      },
      {
        kind: "event",
        name: "approval",
        args: { eventId: event },
        eventId: event,
        startedAt,
      },
    ]);
  });

  test("none when only a turn is due", async () => {
    const t = newBackend();
    const id = await startHandler(t, async () => 1, { startAsync: true });
    expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
  });

  test("a step that an early release stored without a kind is a function", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      step.runAction(steps.echoAction, { value: 1 }, { runAfter: 1000 }),
    );
    await inComponent(t, async (ctx) => {
      const row = (await ctx.db.query("steps").first())!;
      await ctx.db.patch("steps", row._id, {
        step: { ...row.step, kind: undefined } as never,
      });
    });
    expect(await runningOf(t, id)).toMatchObject([{ kind: "function" }]);
  });

  test("as many of thousands as one response can hold", async () => {
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
    const running = await runningOf(t, id);
    expect(running.length).toBeGreaterThanOrEqual(500);
    expect(running[0]).toMatchObject({ name: "sleep 0" });
  });
});

describe("a status may be asked for", () => {
  test("by the manager, in a query, a mutation, an action and a workflow's step", async () => {
    const t = newBackend();
    const { workflowId, status } = await runHandler(t, async () => 1);
    const ask = (ctx: Parameters<typeof getStatus>[0]) =>
      getStatus(ctx, components.workflow, workflowId);
    expect(await t.query((ctx) => manager.status(ctx, workflowId))).toEqual(
      status,
    );
    expect(await t.query((ctx) => ask(ctx))).toEqual(status);
    expect(await t.mutation((ctx) => ask(ctx))).toEqual(status);
    expect(await t.action((ctx) => ask(ctx))).toEqual(status);
    const asking = await runHandler(t, (step) => ask(step), { name: "asking" });
    expect(asking.status).toEqual(completed(status));
  });
});

describe("there is no status", () => {
  test("of an id of no workflow", async () => {
    const t = newBackend();
    await expect(statusOf(t, "garbage" as WorkflowId)).rejects.toThrow(
      "Invalid workflow ID: garbage",
    );
    const id = await startHandler(t, (step) => step.sleep(1));
    const [step] = await rows(t, "steps");
    const wrong = step!._id as string as WorkflowId;
    await expect(statusOf(t, wrong)).rejects.toThrow(
      `Invalid workflow ID: ${wrong}`,
    );
    await drain();
    await cleanup(t, id);
    await expect(statusOf(t, id)).rejects.toThrow(`Workflow not found: ${id}`);
  });
});
