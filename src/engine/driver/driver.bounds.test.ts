import { describe, expect, test } from "vitest";
import { internal } from "../../component/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import { Calls, type WatchedCall } from "../../testing/calls.js";
import {
  advance,
  components,
  drain,
  effects,
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
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { insertRun, insertSteps } from "../../testing/managing.js";
import type { Drive } from "../../client/driven.js";
import { rowsOf } from "../../client/entries.js";
import { sendEvent, type WorkflowCtx } from "../../client/index.js";

// What drivers share, hand over and hold: the pool's slots, their time, copies of journals.

useBackend();

const allow = (t: ReturnType<typeof newBackend>, maxParallelism: number) =>
  inComponent(t, (ctx) =>
    ctx.runMutation(internal.utils.updateConfig, { maxParallelism }),
  );

describe("a driver", () => {
  const ofSeconds = (n: number): Handler => {
    script(
      "action",
      "second",
      () => new Promise((end) => setTimeout(end, 1000)),
    );
    return async (step) => {
      for (let i = 0; i < n; i++)
        await step.runAction(steps.action, { name: "second" });
    };
  };
  const drivers = async (t: ReturnType<typeof newBackend>) =>
    (await rows(t, "workflows")).map((run) => run.drivers);

  test("keeps its run for up to a minute while at most four runs are driven", async () => {
    const t = newBackend({ execution: "driver" });
    for (let i = 0; i < 4; i++) await startHandler(t, ofSeconds(40));
    await drain();
    expect(await drivers(t)).toEqual([1, 1, 1, 1]);
  });

  test("hands over after three seconds while more than four runs are driven", async () => {
    const t = newBackend({ execution: "driver" });
    for (let i = 0; i < 5; i++) await startHandler(t, ofSeconds(20));
    await drain();
    for (const count of await drivers(t))
      expect(count).toBeGreaterThanOrEqual(5);
  });

  test("that began late hands over after its first step", async () => {
    const t = newBackend({ execution: "driver" });
    await allow(t, 0);
    await startHandler(t, ofSeconds(2));
    await advance(60_000);
    await allow(t, 5);
    await drain();
    expect(await drivers(t)).toEqual([2]);
  });
});

describe("while the pool is paused", () => {
  test.each([
    [
      "mutation",
      (step: WorkflowCtx) => step.runMutation(steps.echo, { value: 1 }),
    ],
    [
      "query",
      (step: WorkflowCtx) => step.runQuery(steps.echoQuery, { value: 1 }),
    ],
    [
      "action",
      (step: WorkflowCtx) => step.runAction(steps.echoAction, { value: 1 }),
    ],
  ] as const)(
    "a new run's %s doesn't start until the pool resumes",
    async (_kind, run) => {
      const t = newBackend({ execution: "driver" });
      await allow(t, 0);
      const id = await startHandler(t, run);
      await advance(10 * 60_000);
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
      await allow(t, 5);
      await drain();
      expect(await statusOf(t, id)).toMatchObject({ result: 1 });
    },
  );

  test("a chain under way stops at its next step", async () => {
    const t = newBackend({ execution: "driver" });
    script("action", "slow", () => new Promise((end) => setTimeout(end, 9000)));
    const id = await startHandler(t, async (step) => {
      await step.runAction(steps.action, { name: "slow" });
      return await step.runMutation(steps.echo, { value: 1 });
    });
    await advance(5000);
    await allow(t, 0);
    await advance(10 * 60_000);
    expect(await effects(t)).toEqual([]);
    await allow(t, 5);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: 1 });
  });
});

test("50 long chains on 10 slots all progress, and none waits until others have ended", async () => {
  const t = newBackend({ execution: "driver" });
  await allow(t, 10);
  script(
    "action",
    "slow",
    () => new Promise((done) => setTimeout(done, 15_000)),
  );
  const chain: Handler = async (step) => {
    for (let i = 0; i < 8; i++)
      await step.runAction(steps.action, { name: "slow" });
  };
  for (let i = 0; i < 50; i++)
    await startHandler(t, chain, { startAsync: true });
  const done = async () => {
    const counts = new Map(
      (await rows(t, "workflows")).map(({ _id }) => [_id, 0]),
    );
    for (const { workflowId, step } of await rows(t, "steps"))
      if (step.runResult) counts.set(workflowId, counts.get(workflowId)! + 1);
    return [...counts.values()];
  };
  // Ten of them would take two minutes to their ends.
  await advance(6.5 * 60_000);
  expect(Math.min(...(await done()))).toBeGreaterThanOrEqual(4);
  expect(Math.max(...(await done()))).toBeLessThan(8);
  await drain();
  expect(await done()).toEqual(Array.from({ length: 50 }, () => 8));
});

describe("the journal that a driver holds", () => {
  /** Notes how many rows each turn of a driver was given, and how many it gave back. */
  function watchTurns() {
    const given = new Map<WatchedCall, number | undefined>();
    const texts: boolean[] = [];
    const calls = new Calls((call) => {
      const { drive } = call.args as { drive?: Drive };
      if (call.path !== "workflows:workflow" || !drive) return;
      const { held } = drive;
      // Now: the turn adds to them.
      given.set(call, held && rowsOf(held.rows).length);
      if (held) texts.push(typeof held.rows[0] === "string");
    });
    const turns = () =>
      [...given].map(([{ result }, held]) => {
        const reply = result as { rows?: unknown[] } | string;
        const told = typeof reply === "object" ? reply.rows?.length : undefined;
        return { held, told };
      });
    return { wrap: calls.wrap, turns, texts };
  }

  test("is passed to each turn, which returns the changes", async () => {
    const { wrap, turns } = watchTurns();
    const t = newBackend({ execution: "driver", wrap });
    await runHandler(t, async (step) => {
      for (let i = 0; i < 4; i++)
        await step.runMutation(steps.echo, { value: i });
    });
    expect(turns()).toEqual([
      { held: undefined, told: 2 },
      { held: 2, told: 2 },
      { held: 3, told: 2 },
      { held: 4, told: undefined },
    ]);
  });

  test.each([
    ["text", 5, [true, true, true, true]],
    [
      "values from the first that text can't hold",
      5n,
      [true, false, false, false],
    ],
    [
      "values once its text is much larger",
      "\u0001".repeat(5000),
      [true, false, false, false],
    ],
  ])("is passed as %s", async (_, third, asText) => {
    const { wrap, texts } = watchTurns();
    const t = newBackend({ execution: "driver", wrap });
    const { status } = await runHandler(t, async (step) => {
      const echoed: unknown[] = [];
      for (const value of [1, 2, third, 4, 5])
        echoed.push(await step.runMutation(steps.echo, { value }));
      return echoed;
    });
    expect(status).toEqual(completed([1, 2, third, 4, 5]));
    expect(texts).toEqual(asText);
  });

  test("past 4 MiB is read again by each turn", async () => {
    const { wrap, turns } = watchTurns();
    const t = newBackend({
      execution: "driver",
      wrap,
      transactionLimits: true,
    });
    script("mutation", "take", () => null);
    const input = "x".repeat(900_000);
    const { status, workflowId } = await runHandler(t, async (step) => {
      for (let i = 0; i < 8; i++)
        await step.runMutation(steps.mutation, { name: "take", input });
      return "done";
    });
    expect(status).toMatchObject({ result: "done" });
    expect((await journal(t, workflowId)).map((row) => row.drivenBy)).toEqual(
      Array.from({ length: 8 }, () => 1),
    );
    // Four of them are 3.6 MB, five are more than 4 MiB.
    expect(turns().map(({ held }) => held)).toEqual([
      ...[undefined, 2, 3, 4],
      ...[undefined, undefined, undefined, undefined],
    ]);
    expect(turns().map(({ told }) => told)).toEqual([
      ...[2, 2, 2],
      ...[undefined, undefined, undefined, undefined, undefined],
    ]);
  });

  test("past 8,000 steps is read again by each turn", async () => {
    const BEFORE = 8190;
    const { wrap, turns } = watchTurns();
    const t = newBackend({ execution: "driver", wrap });
    script("handler", "main", async (step) => {
      const ahead = Array.from({ length: BEFORE }, (_, value) =>
        step.runMutation(steps.echo, { value }),
      );
      await Promise.all(ahead);
      for (let i = 0; i < 5; i++)
        await step.runMutation(steps.echo, { value: i });
      return "done";
    });
    const workflowId = await insertRun(t);
    await insertSteps(t, workflowId, { from: 0, to: BEFORE }, (order) => ({
      row: { delivery: { order, issued: BEFORE } },
    }));
    await t.mutation((ctx) =>
      ctx.runMutation(workflows.workflow, {
        workflowId,
        generationNumber: 0,
      } as never),
    );
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: "done" });
    expect(await effects(t)).toEqual([0, 1, 2, 3, 4]);
    expect((await rows(t, "workflows"))[0]).toMatchObject({ drivers: 1 });
    expect(turns()).toEqual(
      Array.from({ length: 5 }, () => ({ held: undefined, told: undefined })),
    );
  });
});

test("a driver begins actions only while it is young: the third of three 40-second actions gets another driver", async () => {
  const t = newBackend({ execution: "driver" });
  script(
    "action",
    "slow",
    () => new Promise((done) => setTimeout(done, 40_000)),
  );
  const { workflowId } = await runHandler(t, async (step) => {
    for (let i = 0; i < 4; i++)
      await step.runAction(steps.action, { name: "slow" });
  });
  const found = await journal(t, workflowId);
  expect(found.map(({ drivenBy }) => drivenBy)).toEqual([1, 1, 2, 2]);
});

test("calls are nested at most six deep, also where a child ends, an event is sent and onComplete is called", async () => {
  const calls = new Calls();
  const t = newBackend({ execution: "driver", wrap: calls.wrap });
  script("handler", "child", (step) =>
    step.runMutation(steps.echo, { value: "child" }),
  );
  script("mutation", "send", async (ctx, workflowId) => {
    await sendEvent(ctx, components.workflow, { workflowId, name: "go" });
  });
  await startHandler(
    t,
    async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.runAction(steps.echoAction, { value: 1 });
      await step.sleep(10);
      await step.runQuery(steps.echoQuery, { value: 1 }, { inline: true });
      await Promise.all([
        step.awaitEvent({ name: "go" }),
        step.runMutation(steps.mutation, {
          name: "send",
          input: step.workflowId,
        }),
      ]);
      await step.runWorkflow(workflows.workflow, { handler: "child" });
    },
    { context: "end", startAsync: true },
  );
  await drain();
  expect(
    (await rows(t, "workflows")).map(({ runResult }) => runResult?.kind),
  ).toEqual(["success", "success"]);
  const deepest = calls.all.reduce((a, b) => (b.depth > a.depth ? b : a));
  expect(deepest.depth, deepest.path).toBeLessThanOrEqual(6);
});
