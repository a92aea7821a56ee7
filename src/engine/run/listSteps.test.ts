import { validate } from "convex-helpers/validators";
import { describe, expect, test } from "vitest";
import { send, startWithEvents } from "../../testing/events.js";
import {
  cancel,
  cleanup,
  insertRun,
  insertSteps,
  restart,
} from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  components,
  drain,
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
import {
  listSteps,
  vWorkflowStep,
  type WorkflowId,
} from "../../client/index.js";
import { HOUR } from "../../testing/units.js";

useBackend();

const { workflow } = components;

async function listed(t: Backend, id: WorkflowId) {
  const { page } = await t.query((ctx) => listSteps(ctx, workflow, id));
  for (const step of page)
    expect(validate(vWorkflowStep, step, { throw: true })).toBe(true);
  return page;
}

const states = async (t: Backend, id: WorkflowId) =>
  (await listed(t, id)).map(({ state }) => state);

async function runningOf(t: Backend, id: WorkflowId) {
  const status = await statusOf(t, id);
  return status.type === "inProgress" ? status.running : [];
}

/** Returns the fields that a listed step and a running step share. */
const shown = (step: object) => {
  const { kind, name, args, startedAt, functionType, workId, eventId } =
    step as Record<string, unknown>;
  return { kind, name, args, startedAt, functionType, workId, eventId };
};

/** Starts a run with steps of every kind in flight, each with its own time. */
async function startEveryKind(t: Backend) {
  script("handler", "child", (step) => step.awaitEvent({ name: "never" }));
  const child = { handler: "child" };
  const { workflowId, ids } = await startWithEvents(
    t,
    ["approval", "other"],
    (step, approval, other) =>
      Promise.all([
        step.runMutation(steps.echo, { value: 1 }, { runAfter: HOUR }),
        step.runQuery(steps.echoQuery, { value: 2 }, { runAfter: HOUR }),
        step.runAction(
          steps.echoAction,
          { value: 3 },
          { runAfter: HOUR, name: "three" },
        ),
        step.runWorkflow(workflows.workflow, child, { runAfter: 2 * HOUR }),
        step.runWorkflow(workflows.workflow, child),
        step.awaitEvent({ name: "go" }),
        step.awaitEvent({ name: "late", timeout: 4 * HOUR }),
        step.awaitEvent({ id: approval, name: "approval" }),
        step.awaitEvent({ id: other }),
        step.sleep(3 * HOUR, { name: "nap" }),
      ]),
  );
  await advance(1000);
  return { id: workflowId, ids };
}

test("steps of every kind in flight have their kind, name, arguments, state, due time and child, as in the run's status", async () => {
  const t = newBackend();
  const { id, ids } = await startEveryKind(t);
  const found = await listed(t, id);
  const { startedAt } = found[0]!;
  const string = expect.any(String) as string;
  const common = {
    ...{ workflowId: id, stepId: string, startedAt },
    attempts: [],
  };
  const inAnHour = {
    ...common,
    kind: "function",
    workId: string,
    state: "scheduled",
    dueAt: startedAt + HOUR,
  };
  const runs = (await t.query((ctx) => manager.list(ctx))).page;
  const [, later, now] = runs.map(({ workflowId }) => ({
    ...common,
    kind: "workflow",
    name: "workflows:workflow",
    args: { handler: "child" },
    nestedWorkflowId: workflowId,
    child: { workflowId, status: "inProgress" },
  }));
  const wait = {
    ...common,
    kind: "event",
    args: {},
    eventId: string,
    state: "waiting",
  };
  const expected = [
    {
      ...inAnHour,
      name: "steps:echo",
      functionType: "mutation",
      args: { value: 1 },
    },
    {
      ...inAnHour,
      name: "steps:echoQuery",
      functionType: "query",
      args: { value: 2 },
    },
    { ...inAnHour, name: "three", functionType: "action", args: { value: 3 } },
    { ...later, state: "scheduled", dueAt: startedAt + 2 * HOUR },
    { ...now, state: "running" },
    { ...wait, name: "go" },
    { ...wait, name: "late", dueAt: startedAt + 4 * HOUR },
    {
      ...wait,
      name: "approval",
      args: { eventId: ids[0] },
      eventId: ids[0],
    },
    { ...wait, name: ids[1], args: { eventId: ids[1] }, eventId: ids[1] },
    {
      ...common,
      kind: "sleep",
      name: "nap",
      args: {},
      workId: string,
      state: "waiting",
      dueAt: startedAt + 3 * HOUR,
    },
  ].map((step, stepNumber) => ({ ...step, stepNumber }));
  expect(found).toEqual(expected);

  const running = await runningOf(t, id);
  expect(running.map((step) => [step.inProgress, shown(step)])).toEqual(
    found.map((step) => [true, shown(step)]),
  );
  expect(running[4]).toMatchObject({ workflowId: now!.nestedWorkflowId });

  await advance(2.5 * HOUR);
  const waiting = Array<string>(5).fill("waiting");
  expect(await states(t, id)).toEqual([
    ...["done", "done", "done", "running", "running"],
    ...waiting,
  ]);
  expect(await runningOf(t, id)).toHaveLength(7);
});

test("when a run is canceled, its steps in flight are done without a result or a due time", async () => {
  const t = newBackend();
  const { id } = await startEveryKind(t);
  await cancel(t, id);
  for (const step of await listed(t, id)) {
    expect(step).toMatchObject({ state: "done", attempts: [] });
    expect(step.dueAt).toBeUndefined();
    expect(step.runResult?.kind).not.toBe("success");
  }
});

test("completed steps of every kind have their result and end time, and summaries have no values and an error's first 256 bytes", async () => {
  const t = newBackend();
  script("handler", "child", async () => "c");
  const message = `${"no ".repeat(200)}\n  second line`;
  const id = await startHandler(t, async (step) => {
    await Promise.allSettled([
      step.runQuery(steps.echoQuery, { value: 1 }),
      step.runMutation(steps.echo, { value: 2 }, { inline: true }),
      step.runMutation(steps.fail, { message }),
      step.runAction(steps.echoAction, { value: 3 }),
      step.runWorkflow(workflows.workflow, { handler: "child" }),
      step.awaitEvent({ name: "go" }),
      step.awaitEvent({ name: "late", timeout: 10 }),
      step.sleep(1000),
    ]);
  });
  await send(t, { workflowId: id, name: "go", value: "v" });
  await drain();
  const found = await listed(t, id);
  const success = (returnValue: unknown) => ({ kind: "success", returnValue });
  expect(found.map(({ kind, runResult }) => [kind, runResult])).toEqual([
    ["function", success(1)],
    ["function", success(2)],
    ["function", { kind: "failed", error: message }],
    ["function", success(3)],
    ["workflow", success("c")],
    ["event", success("v")],
    ["event", { kind: "failed", error: expect.any(String) }],
    ["sleep", success(null)],
  ]);
  for (const { startedAt, completedAt } of found)
    expect(completedAt).toBeGreaterThanOrEqual(startedAt);

  const { page } = await t.query((ctx) => manager.listStepSummaries(ctx, id));
  expect(page).toHaveLength(found.length);
  for (const [at, summary] of page.entries()) {
    const { outcome, error, attempts, ...rest } = summary;
    const step = found[at]!;
    expect(step).toMatchObject(rest);
    expect(step.runResult!.kind).toBe(outcome);
    expect(error !== undefined).toBe(outcome === "failed");
    expect(attempts).toHaveLength(step.attempts.length);
    expect(summary).not.toHaveProperty("args");
    expect(summary).not.toHaveProperty("runResult");
  }
  const { error, attempts } = page[2]!;
  expect(error).toMatch(/^no no no /);
  expect(error!.length).toBeLessThanOrEqual(256);
  expect(attempts).toMatchObject([{ error }]);
  expect(page[4]!.child).toMatchObject({ status: "completed" });

  const get = (stepNumber: number) =>
    t.query((ctx) => manager.getStep(ctx, id, stepNumber));
  for (const step of found) expect(await get(step.stepNumber)).toEqual(step);
  for (const none of [found.length, -1]) expect(await get(none)).toBeNull();
});

test("a retried action shows its current and its last attempt", async () => {
  const t = newBackend();
  const failures: Record<string, number> = { late: 1, never: 3, first: 0 };
  for (const [name, count] of Object.entries(failures)) {
    let calls = 0;
    script("action", name, () => {
      if (++calls <= count) throw new Error("not this time");
      return name;
    });
  }
  const retry = { maxAttempts: 3, initialBackoffMs: 10_000, base: 1 };
  const id = await startHandler(t, async (step) => {
    await Promise.allSettled([
      ...Object.keys(failures).map((name) =>
        step.runAction(steps.action, { name }, { retry }),
      ),
      step.runAction(steps.echoAction, { value: 1 }),
    ]);
  });
  const attempts = async () =>
    (await listed(t, id)).map((step) =>
      step.kind === "function"
        ? [step.attempt, step.maxAttempts, step.runResult?.kind]
        : [],
    );
  await advance(2000);
  const others = [
    [1, 3, "success"],
    [undefined, undefined, "success"],
  ];
  const again = [2, 3, undefined];
  expect(await attempts()).toEqual([again, again, ...others]);
  await drain();
  const ended = [
    [2, 3, "success"],
    [3, 3, "failed"],
  ];
  expect(await attempts()).toEqual([...ended, ...others]);
});

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

    test("a failed action backs off until its next attempt is due, and shows each attempt's times and error", async () => {
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

test("a step keeps its last ten attempts with errors cut to 1 KiB, and a turn's journal omits them", async () => {
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
  const lastTen = Array.from({ length: 10 }, (_, at) => String(at + 5));
  expect(step!.attempts.map(({ error }) => error!.split(" ")[0])).toEqual(
    lastTen,
  );
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
  "a result that fills its row is kept without attempts (%s)",
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

test("a child shows its run's status: in progress, ended, restarted, or absent after cleanup", async () => {
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
  await cleanup(t, workflowId);
  expect(await child()).toBeUndefined();
});

test("steps from 0.4 and earlier show their known fields, and a step without a kind is a function", async () => {
  const t = newBackend();
  const id = await insertRun(t, { engineVersion: undefined });
  await insertSteps(t, id, { from: 0, to: 1 });
  await insertSteps(t, id, { from: 1, to: 2 }, () => ({
    step: {
      ...{ inProgress: true, runResult: undefined, completedAt: undefined },
      kind: undefined,
    },
    row: { failedAttempts: 2 },
  }));
  const kind = "function";
  expect(await listed(t, id)).toMatchObject([
    { kind, state: "done", attempts: [{ startedAt: 0, endedAt: 0 }] },
    { kind, state: "queued", attempts: [] },
  ]);
  expect(await runningOf(t, id)).toMatchObject([{ kind }]);
});
