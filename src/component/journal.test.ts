import { createFunctionHandle, type FunctionArgs } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  cancel,
  insertRun,
  insertSteps,
  jobs,
  listenToConsole,
} from "../testing/managing.js";
import { create as createEvent, send } from "../testing/events.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
  inComponent,
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
} from "../testing/harness.js";
import { everyRow } from "../testing/tables.js";
import type { WorkflowId } from "../client/index.js";

// The component's functions called as other packages and scripts do, not through this package's
// client.

useBackend();
const heard = listenToConsole();

const { workflow, journal: api, event } = components.workflow;
type Create = FunctionArgs<typeof workflow.create>;
type StartSteps = FunctionArgs<typeof api.startSteps>;

const load = (t: Backend, workflowId: string, shortCircuit?: boolean) =>
  t.query((ctx) => ctx.runQuery(api.load, { workflowId, shortCircuit }));
const beginTurn = (t: Backend, workflowId: string, generationNumber = 0) =>
  t.mutation((ctx) =>
    ctx.runMutation(api.beginTurn, { workflowId, generationNumber }),
  );
const startSteps = (t: Backend, args: StartSteps) =>
  t.mutation((ctx) => ctx.runMutation(api.startSteps, args));
const complete = (t: Backend, args: FunctionArgs<typeof workflow.complete>) =>
  t.mutation((ctx) => ctx.runMutation(workflow.complete, args));

const handleOf = async (
  t: Backend,
  ref: Parameters<typeof createFunctionHandle>[0],
) => await t.mutation(async () => (await createFunctionHandle(ref)) as string);

const HANDLE = "function://;workflows:workflow";

const createRun = (t: Backend, options: Partial<Create> = {}) =>
  t.mutation(
    async (ctx) =>
      (await ctx.runMutation(workflow.create, {
        workflowName: "some:workflow",
        workflowHandle: HANDLE,
        workflowArgs: { handler: "main" },
        ...options,
      })) as WorkflowId,
  );

async function expectUnchanged(t: Backend, act: () => Promise<unknown>) {
  const before = await everyRow(t);
  await act();
  expect(await everyRow(t)).toEqual(before);
  expect(heard.said).toEqual([]);
}

describe("workflow.create", () => {
  test("runs the first turn inside the caller's transaction", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
    expect(await jobs(t)).toEqual([]);
  });

  test("with startAsync leaves it to a job of the pool, of the given name", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t, { startAsync: true });
    expect(await jobs(t)).toEqual(["some:workflow"]);
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
  });

  test("with createOnly leaves it to the caller", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t, { createOnly: true });
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
    await t.mutation((ctx) =>
      ctx.runMutation(
        workflows.workflow as never,
        {
          workflowId: id,
          generationNumber: 0,
        } as never,
      ),
    );
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("calls onComplete with the context", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const fnHandle = await handleOf(t, steps.ended);
    await createRun(t, { onComplete: { fnHandle, context: [1] } });
    expect(await endings(t)).toMatchObject([{ context: [1] }]);
  });

  test("stores what it was given, and runs under this engine's rules", async () => {
    const t = newBackend();
    const onComplete = { fnHandle: "function://;steps:ended", context: "c" };
    await createRun(t, { createOnly: true, onComplete, maxParallelism: 9 });
    expect(await rows(t, "workflows")).toMatchObject([
      {
        name: "some:workflow",
        workflowHandle: HANDLE,
        args: { handler: "main" },
        onComplete,
        generationNumber: 0,
        engineVersion: 1,
        maxParallelism: 9,
      },
    ]);
  });

  test("of a function that is not there throws, and changes nothing", async () => {
    const t = newBackend();
    await expectUnchanged(t, () =>
      expect(
        createRun(t, { workflowHandle: "function://;gone:workflow" }),
      ).rejects.toThrow("gone"),
    );
  });
});

describe("journal.load", () => {
  test("gives the run, its steps in order and the log level", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(10);
    });
    const [run] = await rows(t, "workflows");
    const loaded = await load(t, workflowId);
    expect(loaded).toEqual({
      workflow: run,
      journalEntries: await journal(t, workflowId),
      ok: true,
      logLevel: "WARN",
    });
    await expectUnchanged(t, () => load(t, workflowId, true));
  });

  test("with shortCircuit says at once that steps are in flight", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    expect(await load(t, id, true)).toMatchObject({ ok: true, blocked: true });
    const whole = await load(t, id);
    expect(whole.blocked ?? false).toBe(false);
    expect(whole.journalEntries).toHaveLength(1);
    await drain();
    const done = await load(t, id, true);
    expect(done.blocked ?? false).toBe(false);
    expect(done.journalEntries).toHaveLength(1);
  });

  test("of a journal too large to be replayed is not ok, and stays within limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const value = "x".repeat(900_000);
    for (let from = 0; from < 20; from += 10)
      await insertSteps(t, id, { from, to: from + 10 }, () => ({
        step: { args: { value } },
      }));
    expect((await load(t, id)).ok).toBe(false);
  });

  test("of a run that is gone, or an id of none, throws", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await expect(load(t, id)).rejects.toThrow(`Workflow not found: ${id}`);
    await expect(load(t, "x")).rejects.toThrow("Invalid workflow ID: x");
  });
});

describe("journal.beginTurn", () => {
  test("answers the turn that is due: a result that comes then makes another due", async () => {
    const t = newBackend();
    script("handler", "main", async () => 1);
    const id = await createRun(t, { startAsync: true });
    const [run] = await rows(t, "workflows");
    expect(run!.pendingTurn).toBeDefined();
    const begun = await beginTurn(t, id);
    expect(begun).toMatchObject({ workflow: { _id: id }, blocked: false });
    const [after] = await rows(t, "workflows");
    expect(after!.pendingTurn).toBeUndefined();
  });

  test("gives a journal of thousands of steps in pages that arrays can hold", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 9000 });
    const begun = (await beginTurn(t, id))!;
    for (const page of begun.journal)
      expect(page.length).toBeLessThanOrEqual(8192);
    expect(begun.journal.flat().map(({ stepNumber }) => stepNumber)).toEqual(
      Array.from({ length: 9000 }, (_, at) => at),
    );
  });

  test("is null where there is nothing for a turn to do, and changes nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      startAsync: true,
    });
    await expectUnchanged(t, async () =>
      expect(await beginTurn(t, id, 1)).toBeNull(),
    );
    await cancel(t, id);
    await expectUnchanged(t, async () => {
      for (const generation of [0, 1])
        expect(await beginTurn(t, id, generation)).toBeNull();
    });
  });
});

/** A step as a client of 0.4 passes it: without a place in the journal, wakes or deliveries. */
const step = (fields: object) =>
  ({
    inProgress: true,
    argsSize: 0,
    args: {},
    startedAt: 1,
    ...fields,
  }) as StartSteps["steps"][number]["step"];

async function oneOfEachKind(t: Backend, eventId: string) {
  const mutation = await handleOf(t, steps.echo);
  const query = await handleOf(t, steps.echoQuery);
  const action = await handleOf(t, steps.echoAction);
  const kind = "function";
  return [
    {
      kind,
      functionType: "mutation",
      name: "m",
      handle: mutation,
      args: { value: "m" },
    },
    {
      kind,
      functionType: "query",
      name: "q",
      handle: query,
      args: { value: "q" },
    },
    {
      kind,
      functionType: "action",
      name: "a",
      handle: action,
      args: { value: "a" },
    },
    { kind: "workflow", name: "w", handle: HANDLE, args: { handler: "child" } },
    { kind: "event", name: "by name", args: {} },
    { kind: "event", name: "by id", args: { eventId } },
    { kind: "sleep", name: "s", args: {} },
  ].map((fields) => ({ step: step(fields) }));
}

describe("journal.startSteps", () => {
  test("numbers, records and starts steps of every kind, and returns their entries in order", async () => {
    const t = newBackend();
    script("handler", "main", () => new Promise(() => undefined));
    script("handler", "child", async () => "w");
    const id = await createRun(t, { createOnly: true });
    const eventId = await createEvent(t, id, "by id");
    const asked = await oneOfEachKind(t, eventId);
    const entries = await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: asked,
    });
    // Read again only for this: the returned time of creation is a little earlier.
    const recorded = (await journal(t, id)).map((row) => ({
      ...row,
      _creationTime: expect.any(Number) as number,
    }));
    expect(entries).toEqual(recorded);
    expect(
      entries!.map(({ stepNumber, step }) => [stepNumber, step.name]),
    ).toEqual(asked.map(({ step }, at) => [at, step.name]));
    expect(await jobs(t)).toHaveLength(4);
    // The handler, not asked for any of them, must not be replayed here.
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, {
        pendingTurn: { workId: "none" },
      }),
    );
    await send(t, { workflowId: id, name: "by name", value: "n" });
    await send(t, { id: eventId, value: "i" });
    await advance(10_000);
    const results = (await journal(t, id)).map(({ step }) => step.runResult);
    expect(results).toEqual(
      ["m", "q", "a", "w", "n", "i", null].map((returnValue) => ({
        kind: "success",
        returnValue,
      })),
    );
    expect(await effects(t)).toEqual(["m"]);
  });

  test("goes on behind what is recorded", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 3 });
    const steps = [{ step: step({ kind: "sleep", name: "s" }) }];
    const args = { workflowId: id, generationNumber: 0, steps };
    const [first] = (await startSteps(t, args))!;
    const [second] = (await startSteps(t, args))!;
    expect([first!.stepNumber, second!.stepNumber]).toEqual([3, 4]);
  });

  test("refuses a place that is not the journal's next, and changes nothing", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 3 });
    for (const stepNumber of [0, 2, 4])
      await expectUnchanged(t, () =>
        expect(
          startSteps(t, {
            workflowId: id,
            generationNumber: 0,
            steps: [{ stepNumber, step: step({ kind: "sleep", name: "s" }) }],
          }),
        ).rejects.toThrow(
          new RegExp(`${id}.* step ${stepNumber} "s".* at step 3`),
        ),
      );
  });

  test("starts steps when they are scheduled for", async () => {
    const t = newBackend();
    script("handler", "main", () => new Promise(() => undefined));
    const id = await createRun(t, { createOnly: true });
    const handle = await handleOf(t, steps.echo);
    const at = (value: string, schedulerOptions: object) => ({
      step: step({
        kind: "function",
        functionType: "mutation",
        name: value,
        handle,
        args: { value },
      }),
      schedulerOptions,
    });
    await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: [
        at("after", { runAfter: 20_000 }),
        at("at", { runAt: Date.now() + 40_000 }),
        at("now", {}),
      ],
    });
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, {
        pendingTurn: { workId: "none" },
      }),
    );
    for (const expected of [
      ["now"],
      ["now", "after"],
      ["now", "after", "at"],
    ]) {
      await advance(15_000);
      expect(await effects(t)).toEqual(expected);
      await advance(5_000);
    }
  });

  test("retries actions as the step says, or as the options do", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const handle = await handleOf(t, steps.echoAction);
    const own = { maxAttempts: 2, initialBackoffMs: 1, base: 3 };
    const byDefault = { maxAttempts: 9, initialBackoffMs: 2, base: 4 };
    const action = (retry?: boolean | typeof own, functionType = "action") => ({
      step: step({ kind: "function", functionType, name: "a", handle }),
      retry,
    });
    const entries = await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: [
        action(own),
        action(true),
        action(false),
        action(),
        action(undefined, "mutation"),
      ],
      workpoolOptions: {
        defaultRetryBehavior: byDefault,
        retryActionsByDefault: true,
      },
    });
    expect(entries!.map(({ retry }) => retry)).toEqual([
      own,
      byDefault,
      undefined,
      byDefault,
      undefined,
    ]);
  });

  test("refuses an event that can't be awaited as a failed step", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const [entry] = (await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: [
        { step: step({ kind: "event", name: "e", args: { eventId: "none" } }) },
      ],
    }))!;
    expect(entry!.step).toMatchObject({
      inProgress: false,
      runResult: {
        kind: "failed",
        error: expect.stringMatching(/none/) as string,
      },
    });
  });

  test("starts hundreds of steps within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const handle = await handleOf(t, steps.echo);
    const all = Array.from({ length: 400 }, (_, value) => ({
      step: step({
        kind: "function",
        functionType: "mutation",
        name: "m",
        handle,
        args: { value },
      }),
      schedulerOptions: { runAfter: 1_000_000 },
    }));
    const args = { workflowId: id, generationNumber: 0, steps: all };
    expect(await startSteps(t, args)).toHaveLength(400);
  });

  test("of an earlier generation, or of a run that is gone, starts nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    await cancel(t, id);
    const handle = await handleOf(t, steps.echo);
    const m = { kind: "function", functionType: "mutation", name: "m", handle };
    const args = {
      workflowId: id,
      generationNumber: 0,
      steps: [{ stepNumber: 0, step: step({ ...m, args: { value: 1 } }) }],
    };
    await expectUnchanged(t, async () =>
      expect(await startSteps(t, args)).toBeNull(),
    );
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await expectUnchanged(t, async () =>
      expect(await startSteps(t, args)).toBeNull(),
    );
    expect(await jobs(t)).toEqual([]);
  });
});

describe("workflow.complete", () => {
  const runResult = { kind: "success" as const, returnValue: "by hand" };

  test("ends the run and calls its onComplete", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      context: "mine",
    });
    await complete(t, { workflowId: id, generationNumber: 0, runResult });
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "by hand",
    });
    expect(await endings(t)).toMatchObject([{ result: runResult }]);
    await expectUnchanged(t, () => advance(5000));
  });

  test("gives a nested run's result to its parent's step", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(1_000_000));
    const id = await startHandler(t, (step) =>
      step.runWorkflow(workflows.workflow, { handler: "child" }),
    );
    await advance(1000);
    const [, child] = await rows(t, "workflows");
    await complete(t, {
      workflowId: child!._id,
      generationNumber: 0,
      runResult,
    });
    await advance(1000);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "by hand",
    });
  });

  test("of an earlier generation, an ended run or one that is gone changes nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000), {
      context: "mine",
    });
    const late = (generationNumber: number) =>
      expectUnchanged(t, () =>
        complete(t, { workflowId: id, generationNumber, runResult }),
      );
    await late(1);
    await cancel(t, id);
    await late(0);
    await late(1);
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await late(1);
  });
});

describe("what 0.4's clients pass is taken:", () => {
  test("event.create and event.send with workpoolOptions", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.awaitEvent({ name: "go" }));
    await t.mutation(async (ctx) => {
      await ctx.runMutation(event.send, {
        workflowId: id,
        name: "go",
        result: { kind: "success", returnValue: 1 },
        workpoolOptions: { maxParallelism: 10, logLevel: "WARN" },
      });
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("getStatus: the run, its steps in flight and the log level", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    const [run] = await rows(t, "workflows");
    expect(
      await t.query((ctx) =>
        ctx.runQuery(workflow.getStatus, { workflowId: id }),
      ),
    ).toEqual({
      workflow: run,
      inProgress: await journal(t, id),
      logLevel: "WARN",
    });
  });

  test("restart from a name, list and listSteps with pages", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, (step) =>
      step.runMutation(steps.echo, { value: 1 }, { name: "m" }),
    );
    await t.mutation((ctx) =>
      ctx.runMutation(workflow.restart, {
        workflowId,
        from: "m",
        startAsync: true,
      }),
    );
    await drain();
    expect(await effects(t)).toEqual([1, 1]);
    const paginationOpts = { numItems: 5, cursor: null };
    const page = await t.query((ctx) =>
      ctx.runQuery(workflow.listSteps, { workflowId, paginationOpts }),
    );
    expect(page).toMatchObject({ page: [{ name: "m" }], isDone: true });
    const runs = await t.query((ctx) =>
      ctx.runQuery(workflow.list, { order: "desc", paginationOpts }),
    );
    expect(runs.page).toHaveLength(1);
  });
});
