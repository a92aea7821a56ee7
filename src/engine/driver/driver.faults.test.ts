import { describe, expect, test } from "vitest";
import {
  advance,
  components,
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
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { Calls } from "../../testing/calls.js";
import { listenToConsole } from "../../testing/managing.js";
import type {
  Boundary,
  Called,
} from "../../testing/random/backend/boundaries.js";
import type { Fault } from "../../testing/random/backend/faults.js";
import { FaultyFunctions } from "../../testing/random/backend/faultyFunctions.js";
import { everyRow } from "../../testing/tables.js";
import { sendEvent, type WorkflowId } from "../../client/index.js";

// A driver whose calls fail, that is held up, or that comes when nobody awaits it any more. (Each
// boundary at which one can die: testing/random/everyBoundary.test.ts.)

const MINUTE = 60_000;

useBackend();
const heard = listenToConsole();

/** A backend where the calls of a driver go wrong, as a list says: the first call, the second, … */
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

/** An action that fails `failures` times, and counts its attempts. */
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
      ? await step.runMutation(steps.echo, { value: 1 })
      : await step.runAction(steps.action, act, {
          retry: { maxAttempts: 2, initialBackoffMs: 10, base: 2 },
        }),
    await step.runMutation(steps.echo, { value: 2 }),
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

describe("a driver's turn that conflicts", () => {
  const conflicts = (count: number) =>
    Array.from({ length: count }, (): Fault => "conflict");

  test("three times succeeds the fourth time", async () => {
    const t = faulty("driven turn", conflicts(3));
    const { status, first, second } = await run(t, "mutation");
    expect(status).toMatchObject({ result: [1, 2] });
    expect([first?.drivenBy, second?.drivenBy]).toEqual([1, 1]);
    expect(await effects(t)).toEqual([1, 2]);
  });

  test("four times leaves its mutation to the pool, and a new driver continues", async () => {
    const t = faulty("driven turn", conflicts(4));
    const { status, first, second } = await run(t, "mutation");
    expect(status).toMatchObject({ result: [1, 2] });
    expect(inPool(first)).toBe(true);
    expect(second?.drivenBy).toBe(2);
    expect(await effects(t)).toEqual([1, 2]);
    expect(heard.said).toEqual([]);
  });

  test("four times has its action recorded alone: the action begins once, and no attempt is lost", async () => {
    const t = faulty("driven turn", conflicts(4));
    const begun = attempts();
    const { status, first } = await run(t, "action");
    expect(status).toMatchObject({ result: ["acted", 2] });
    expect(begun).toHaveLength(1);
    expect(first?.failedAttempts).toBeUndefined();
    expect(heard.said).toEqual([]);
  });

  test("four times after an attempt that failed: the next is the second of two", async () => {
    const t = faulty("driven turn", conflicts(4));
    const begun = attempts(1);
    const { status, first } = await run(t, "action");
    expect(status).toMatchObject({ result: ["acted", 2] });
    expect(begun).toHaveLength(2);
    expect(first).toMatchObject({ failedAttempts: 1 });
  });
});

describe("a turn of a driver that has committed", () => {
  test("and is reported as a conflict is not taken again with its step", async () => {
    const t = faulty("driver", ["reported conflict"]);
    const { status, first, second } = await run(t, "mutation");
    expect(status).toMatchObject({ result: [1, 2] });
    expect([first?.drivenBy, second?.drivenBy]).toEqual([1, 1]);
    expect(await effects(t)).toEqual([1, 2]);
  });

  test("and is reported as failed leaves the step that it started to the pool", async () => {
    const t = faulty("driver", ["reported"]);
    const begun = attempts();
    const workflowId = await startHandler(t, async (step) => {
      await step.runAction(steps.echoAction, { value: 1 });
      return await step.runAction(steps.action, act);
    });
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: "acted" });
    const [first, second] = await journal(t, workflowId);
    expect(first?.drivenBy).toBe(1);
    // In flight, and not begun.
    expect(inPool(second)).toBe(true);
    expect(begun).toHaveLength(1);
  });
});

test("a turn that crashed together with its step is not repeated with it: each then runs alone", async () => {
  const functions = new FaultyFunctions((at, ...possible) =>
    at === "driven turn" && possible.includes("failed") && driven++ === 0
      ? "failed"
      : undefined,
  );
  let driven = 0;
  const t = newBackend({ execution: "driver", wrap: functions.wrap });
  const { status, first } = await run(t, "mutation");
  expect(status).toMatchObject({ result: [1, 2] });
  expect(inPool(first)).toBe(true);
  // The second driver's, with the second step.
  expect(driven).toBe(2);
  const executions = functions.calls.filter(
    ({ path }: Called) => path === "execute:transaction",
  );
  expect(executions).toHaveLength(1);
  expect(await effects(t)).toEqual([1, 2]);
});

test("if a driver can't find out whether its action may begin, the pool begins it, as its first attempt", async () => {
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
  test("before the turn of a mutation is waited for", async () => {
    const t = faulty("driver", ["stalled"]);
    const { status, first } = await run(t, "mutation");
    expect(status).toMatchObject({ result: [1, 2] });
    expect(first?.drivenBy).toBe(1);
    expect(await effects(t)).toEqual([1, 2]);
  });

  test("for longer than an action may run is replaced and notices", async () => {
    const t = faulty("driver", ["stalled"], 90 * MINUTE);
    const workflowId = await startHandler(t, async (step) => [
      await step.runMutation(steps.echo, { value: 1 }),
      await step.awaitEvent({ name: "go" }),
    ]);
    await advance(60 * MINUTE);
    expect(await effects(t)).toEqual([]);
    await advance(10 * MINUTE);
    expect(await effects(t)).toEqual([1]);
    await t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId, name: "go" }),
    );
    await drain();
    expect(await effects(t)).toEqual([1]);
    expect(await statusOf(t, workflowId)).toMatchObject({ type: "completed" });
    expect(heard.said).toEqual([]);
  });

  test("before the turn of an action is waited for: only it knows the action's result", async () => {
    const t = faulty("driver", ["stalled"]);
    const begun = attempts();
    const { status, first } = await run(t, "action");
    expect(status).toMatchObject({ result: ["acted", 2] });
    expect(begun).toHaveLength(1);
    expect(first?.drivenBy).toBe(1);
  });

  test("so long that it lacks the time for an action does not begin the next one", async () => {
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

describe("a driver that arrives while a turn is pending and", () => {
  /** Calls a turn as a driver would, and says whether anything was changed. */
  async function comes(t: Backend, workflowId: string, driver: number) {
    const [run] = await rows(t, "workflows");
    expect(run).toHaveProperty("pendingTurn");
    const before = await everyRow(t);
    const drive = { driver, stepNumber: 0, handsOver: false };
    const turn = { workflowId, generationNumber: 0, drive };
    await t.mutation((ctx) =>
      ctx.runMutation(workflows.workflow, turn as never),
    );
    expect(await everyRow(t)).toEqual(before);
  }

  const send = (t: Backend, workflowId: WorkflowId) =>
    t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId, name: "go" }),
    );

  test("was detached takes no turn, and leaves that one pending", async () => {
    const t = newBackend({ execution: "driver" });
    const workflowId = await startHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.awaitEvent({ name: "go" });
      return await step.runMutation(steps.echo, { value: 2 });
    });
    await drain();
    await send(t, workflowId);
    expect((await rows(t, "workflows"))[0]).toMatchObject({ drivers: 1 });
    await comes(t, workflowId, 1);
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 2 });
  });

  test("was replaced takes no turn, and leaves that one pending", async () => {
    const t = newBackend({ execution: "driver" });
    script("action", "act", () => new Promise((end) => setTimeout(end, 5000)));
    const workflowId = await startHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(10);
      const acted = step.runAction(steps.action, act);
      await Promise.race([acted, step.awaitEvent({ name: "go" })]);
      await acted;
      return await step.runMutation(steps.echo, { value: 2 });
    });
    await advance(3000);
    await send(t, workflowId);
    const [run] = await rows(t, "workflows");
    expect(run).toMatchObject({ drivers: 2, driver: expect.anything() });
    await comes(t, workflowId, 1);
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 2 });
  });
});

test.each(["mutation", "action"] as const)(
  "a driven run whose workflow is gone fails and says so, and its %s is recorded",
  async (type) => {
    let isGone = false;
    const calls = new Calls(({ path }) => {
      if (isGone && path === "workflows:workflow")
        throw new Error("Could not find function workflows:workflow");
    });
    const t = newBackend({ execution: "driver", wrap: calls.wrap });
    const begun = attempts();
    const workflowId = await startHandler(t, async (step) => {
      if (type === "mutation")
        return await step.runMutation(steps.echo, { value: 1 });
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
