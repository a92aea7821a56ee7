import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  counts,
  gate,
  jobs,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { cancelRun, create, eventStates, send } from "../../testing/events.js";
import type { Handler } from "../../testing/app/scripts.js";
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
import { completed } from "../../testing/statuses.js";
import * as client from "../../client/index.js";
import type { EventId, WorkflowCtx, WorkflowId } from "../../client/index.js";

// What a restart does with steps that are in flight, with what they bring, and with what belongs
// to steps that it deletes.

useBackend();
const heard = listenToConsole();

const A_WHILE = 10_000;
const LATER = 100_000;

interface Kind {
  /** Asks for a step that is in flight for a while. */
  ask: (step: WorkflowCtx, t: Backend) => Promise<unknown>;
  /** What it takes to end it, the second time. */
  finish: (t: Backend, id: WorkflowId) => Promise<unknown>;
  result: unknown;
}

const wait = () => advance(2 * LATER);
const runAfter = LATER;
let eventId: EventId;

const kinds: Record<string, Kind> = {
  "a mutation": {
    ask: (step) => step.runMutation(steps.echo, { value: "m" }, { runAfter }),
    finish: wait,
    result: "m",
  },
  "a query": {
    ask: (step) => step.runQuery(steps.echoQuery, { value: "q" }, { runAfter }),
    finish: wait,
    result: "q",
  },
  "an action": {
    ask: (step) =>
      step.runAction(steps.echoAction, { value: "a" }, { runAfter }),
    finish: wait,
    result: "a",
  },
  "an action between two attempts": {
    ask: (step) =>
      step.runAction(
        steps.action,
        { name: "flaky" },
        { retry: { maxAttempts: 2, initialBackoffMs: LATER, base: 2 } },
      ),
    finish: wait,
    result: "third time lucky",
  },
  "a sleep": {
    ask: async (step) => {
      await step.sleep(LATER);
      return "slept";
    },
    finish: wait,
    result: "slept",
  },
  "a wait for an event by name": {
    ask: (step) => step.awaitEvent({ name: "go", validator: v.string() }),
    finish: (t, workflowId) => send(t, { name: "go", workflowId, value: "e" }),
    result: "e",
  },
  "a wait for an event by id": {
    ask: (step) => step.awaitEvent({ id: eventId, validator: v.string() }),
    finish: (t) => send(t, { id: eventId, value: "i" }),
    result: "i",
  },
  "a wait for an event with a timeout": {
    ask: (step) =>
      step
        .awaitEvent({ name: "go", timeout: LATER })
        .catch((error: Error) => error.name),
    finish: wait,
    result: "TimeoutError",
  },
  "a nested run": {
    ask: (step) => step.runWorkflow(workflows.workflow, { handler: "child" }),
    finish: wait,
    result: "child",
  },
};

/** Starts a run of which a step of the kind is in flight. */
async function startKind(t: Backend, handler: Handler) {
  let attempts = 0;
  script("action", "flaky", () => {
    if (++attempts < 3) throw new Error("not yet");
    return "third time lucky";
  });
  script("handler", "child", async (step) => {
    await step.sleep(LATER);
    return "child";
  });
  const id = await startHandler(t, handler, { startAsync: true });
  eventId = await create(t, id, "by id");
  await advance(A_WHILE);
  return id;
}

describe.each(Object.entries(kinds))("%s in flight", (_name, kind) => {
  test.each([{ startAsync: false }, { startAsync: true }])(
    "when the run was canceled is discarded and runs again, so the run never hangs ($startAsync)",
    async (options) => {
      const t = newBackend();
      const id = await startKind(t, async (step) => {
        await step.runMutation(steps.echo, { value: "first" });
        return await kind.ask(step, t);
      });
      await cancel(t, id);
      await restart(t, id, options);
      await advance(A_WHILE);
      expect((await journal(t, id)).map(({ step }) => step.inProgress)).toEqual(
        [false, true],
      );
      await kind.finish(t, id);
      await drain();
      expect(await statusOf(t, id)).toEqual(completed(kind.result));
      expect((await effects(t)).filter((value) => value === "first")).toEqual([
        "first",
      ]);
      expect(await jobs(t)).toEqual([]);
      expect(heard.said).toEqual([]);
    },
  );

  test("when the run ended by itself is fenced and runs again", async () => {
    const t = newBackend();
    let again = false;
    const id = await startKind(t, async (step) => {
      const slow = kind.ask(step, t);
      await step.runMutation(steps.echo, { value: "quick" });
      return again ? await slow : "quick";
    });
    expect(await statusOf(t, id)).toEqual(completed("quick"));
    again = true;
    await restart(t, id);
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await kind.finish(t, id);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(kind.result));
    // Once each: whatever the first execution had begun was taken back.
    const ran = await effects(t);
    expect(ran.filter((value) => value === "m").length).toBeLessThanOrEqual(1);
    expect(await jobs(t)).toEqual([]);
    expect(heard.said).toEqual([]);
  });

  test("when the run was canceled is deleted by a restart from before it, and is asked for anew", async () => {
    const t = newBackend();
    const id = await startKind(t, async (step) => {
      await step.runMutation(steps.echo, { value: "first" });
      return await kind.ask(step, t);
    });
    await cancel(t, id);
    await restart(t, id, { from: 0, startAsync: true });
    await advance(A_WHILE);
    await kind.finish(t, id);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(kind.result));
    expect(heard.said).toEqual([]);
  });

  test("when the run was canceled and restarted, it can be canceled and cleaned up again", async () => {
    const t = newBackend();
    const id = await startKind(t, (step) => kind.ask(step, t));
    await cancelRun(t, id);
    await restart(t, id, { startAsync: true });
    await cancel(t, id);
    await advance(A_WHILE);
    await cleanup(t, id);
    await drain();
    expect(await counts(t)).toEqual({});
    expect(heard.said).toEqual([]);
  });
});

test.each(["driver", "pool"] as const)(
  "the result of an action that began before the restart is ignored quietly (%s)",
  async (execution) => {
    const t = newBackend({ execution });
    const gates = [gate<string>(), gate<string>()];
    let begun = 0;
    script("action", "slow", () => gates[begun++]!.passed);
    const id = await startHandler(t, (step) =>
      step.runAction(steps.action, { name: "slow" }),
    );
    await advance(A_WHILE);
    await cancel(t, id);
    await advance(A_WHILE);
    await restart(t, id);
    await advance(A_WHILE);
    expect(begun).toBe(2);
    gates[0]!.open("of the first execution");
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    gates[1]!.open("of the second");
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("of the second"));
    expect(heard.said).toEqual([]);
  },
);

describe("results that are kept", () => {
  test("and were delivered before the cut keep their places", async () => {
    const t = newBackend();
    const winners: unknown[] = [];
    const id = await startHandler(t, async (step) => {
      const slow = step.runMutation(
        steps.echo,
        { value: "slow" },
        { runAfter: 50_000 },
      );
      const quick = step.runMutation(steps.echo, { value: "quick" });
      const winner = await Promise.race([slow, quick]);
      await step.runMutation(
        steps.echo,
        { value: "middle" },
        { runAfter: LATER },
      );
      await step.runMutation(steps.echo, { value: "last" });
      winners.push(winner);
    });
    await drain();
    await restart(t, id, { from: 3 });
    await drain();
    expect(winners).toEqual(["quick", "quick"]);
  });

  test("and were delivered after the cut count as new", async () => {
    const t = newBackend();
    const winners: unknown[] = [];
    const id = await startHandler(t, async (step) => {
      const early = step.runMutation(
        steps.echo,
        { value: "early" },
        { runAfter: 50_000 },
      );
      await step.runMutation(steps.echo, { value: "between" });
      const late = step.runMutation(
        steps.echo,
        { value: "late" },
        { runAfter: 10 },
      );
      winners.push(await Promise.race([early, late]));
      await Promise.all([early, late]);
    });
    await drain();
    expect(winners).toContain("late");
    winners.length = 0;
    // "early" came while step 2 was in flight; now it is there before step 2 has begun.
    await restart(t, id, { from: 2 });
    await drain();
    expect(new Set(winners)).toEqual(new Set(["early"]));
    // Each result has a place of its own, so that later turns show them in the same order.
    const places = (await journal(t, id)).map(
      ({ delivery }) => delivery?.order,
    );
    expect(places.sort()).toEqual([0, 1, 2]);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });
});

describe("deleting steps also deletes", () => {
  test("the events that they consumed, not those of steps that are kept", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => [
      await step.awaitEvent({ name: "one", validator: v.number() }),
      await step.awaitEvent({ name: "two", validator: v.number() }),
    ]);
    await send(t, { name: "one", workflowId: id, value: 1 });
    await send(t, { name: "two", workflowId: id, value: 2 });
    await send(t, { name: "three", workflowId: id, value: 3 });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed([1, 2]));
    await restart(t, id, { from: 1 });
    await drain();
    expect(await eventStates(t)).toEqual([
      "one consumed",
      "three sent",
      "two waiting",
    ]);
    await send(t, { name: "two", workflowId: id, value: 22 });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed([1, 22]));
  });

  test("the events that they awaited, except created ones, which can be sent again", async () => {
    const t = newBackend();
    const awaitAll = async (step: WorkflowCtx) => {
      await step.sleep(1);
      return [
        await step.awaitEvent({ id: eventId }),
        await step.awaitEvent({ name: "by name" }),
        await step.awaitEvent({ name: "sent" }),
        await step.awaitEvent({ name: "awaited" }),
      ];
    };
    const id = await startHandler(t, awaitAll, { startAsync: true });
    eventId = await create(t, id, "by id");
    const byName = await create(t, id, "by name");
    await send(t, { name: "sent", workflowId: id, value: 3 });
    const sendAll = async (values: number[]) => {
      await advance(A_WHILE);
      await send(t, { id: eventId, value: values[0] });
      await advance(A_WHILE);
      await send(t, { id: byName, value: values[1] });
      await advance(A_WHILE);
      await send(t, { name: "awaited", workflowId: id, value: values[2] });
      await drain();
    };
    await sendAll([1, 2, 4]);
    expect(await statusOf(t, id)).toMatchObject({ result: [1, 2, 3, 4] });
    script("handler", "main", async () => "nothing");
    await restart(t, id, { from: 0 });
    expect(await eventStates(t)).toEqual(["by id created", "by name created"]);
    script("handler", "main", awaitAll);
    await restart(t, id);
    await send(t, { name: "sent", workflowId: id, value: 30 });
    await sendAll([10, 20, 40]);
    expect(await statusOf(t, id)).toMatchObject({ result: [10, 20, 30, 40] });
  });

  test("their nested runs, and what is nested in those", async () => {
    const t = newBackend();
    script("handler", "child", async (step, depth: number) => {
      await step.runMutation(steps.echo, { value: depth });
      if (depth > 0)
        await step.runWorkflow(workflows.workflow, {
          handler: "child",
          input: depth - 1,
        });
    });
    const id = await startHandler(t, async (step) => {
      const args = { handler: "child", input: 2 };
      await step.runWorkflow(workflows.workflow, args);
    });
    await drain();
    expect(await counts(t)).toEqual({ workflows: 4, steps: 6 });
    const before = (await rows(t, "workflows")).map(({ _id }) => _id);
    await restart(t, id, { from: 0 });
    await drain();
    expect(await counts(t)).toEqual({ workflows: 4, steps: 6 });
    const after = (await rows(t, "workflows")).map(({ _id }) => _id);
    expect(after.filter((run) => before.includes(run))).toEqual([id]);
    expect(await effects(t)).toEqual([2, 1, 0, 2, 1, 0]);
  });

  test("a child that is still running, which is canceled first", async () => {
    const t = newBackend();
    let ran = 0;
    script("action", "late", () => ran++);
    script("handler", "child", (step) =>
      step.runAction(steps.action, { name: "late" }, { runAfter: LATER }),
    );
    const id = await startHandler(t, async (step) => {
      void step.runWorkflow(workflows.workflow, { handler: "child" });
      await step.runMutation(steps.echo, { value: 1 });
    });
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    script("handler", "main", async () => "nothing more");
    await restart(t, id, { from: 0 });
    await advance(A_WHILE);
    expect(await counts(t)).toEqual({ workflows: 1 });
    expect(await jobs(t)).toEqual([]);
    await drain();
    expect(ran).toBe(0);
    expect(heard.said).toEqual([]);
  });

  test.each([{ startAsync: false }, { startAsync: true }])(
    "the running children of steps, canceled when the restart commits: they take no more events ($startAsync)",
    async (options) => {
      const t = newBackend();
      let nested = true;
      script("handler", "child", async (step, depth: number) => {
        if (depth > 0) await child(step, depth - 1);
        await step.awaitEvent({ name: "go" });
        await step.runMutation(steps.echo, { value: `depth ${depth}` });
      });
      const child = (step: WorkflowCtx, input: number) =>
        step.runWorkflow(workflows.workflow, { handler: "child", input });
      const id = await startHandler(t, async (step) => {
        if (!nested) return "alone";
        for (let count = 0; count < 20; count++) void child(step, 0);
        void child(step, 1);
        await step.sleep(1);
        return "with children";
      });
      await advance(A_WHILE);
      const running = (await rows(t, "workflows")).filter(
        ({ runResult }) => !runResult,
      );
      expect(running).toHaveLength(22);
      nested = false;
      await t.mutation(async (ctx) => {
        await client.restart(ctx, components.workflow, id, {
          from: 0,
          ...options,
        });
        for (const { _id } of running) {
          const { type } = await client.getStatus(
            ctx,
            components.workflow,
            _id,
          );
          expect(type).toBe("canceled");
          await client.sendEvent(ctx, components.workflow, {
            workflowId: _id,
            name: "go",
          });
        }
      });
      expect(heard.said).toHaveLength(22);
      await drain();
      expect(await effects(t)).toEqual([]);
      expect(await statusOf(t, id)).toMatchObject({ result: "alone" });
      expect(await counts(t)).toEqual({ workflows: 1 });
      heard.said = [];
    },
  );

  test("a running child of a step that is kept: another takes its place", async () => {
    const t = newBackend();
    script("handler", "child", async (step) => {
      await step.sleep(LATER);
      return await step.runMutation(steps.echo, { value: "child" });
    });
    let again = false;
    const id = await startHandler(t, async (step) => {
      const nested = step.runWorkflow(workflows.workflow, { handler: "child" });
      await step.runMutation(steps.echo, { value: "main" });
      return again ? await nested : null;
    });
    await advance(A_WHILE);
    again = true;
    await restart(t, id);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("child"));
    expect(await effects(t)).toEqual(["main", "child"]);
    expect(await rows(t, "workflows")).toHaveLength(2);
    expect(heard.said).toEqual([]);
  });
});
