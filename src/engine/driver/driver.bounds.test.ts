import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import { Calls, type WatchedCall } from "../../testing/calls.js";
import {
  advance,
  components,
  drain,
  effects,
  journal,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { insertRun, insertSteps } from "../../testing/managing.js";
import {
  act,
  child,
  configure,
  echo,
  outcomes,
  slow,
  takeTurn,
  times,
} from "../../testing/scenes.js";
import { rowsOf, type Drive } from "../../client/turn/journalEntry.js";
import { sendEvent } from "../../client/index.js";
import { MINUTE } from "../../testing/units.js";

// Drivers share the workpool's slots, hand over after a while, and hold copies of journals.

useBackend();

describe("a driver", () => {
  const ofSeconds =
    (n: number): Handler =>
    async (step) => {
      for (let i = 0; i < n; i++) await act(step, "second");
    };
  const drivers = async (t: ReturnType<typeof newBackend>) =>
    (await rows(t, "workflows")).map((run) => run.drivers);

  test.each([
    [
      "keeps its run for up to a minute while at most four runs have drivers",
      { runs: 4, seconds: 40, least: 1, most: 1 },
    ],
    [
      "hands over to another after a minute, so that long chains share the pool",
      { runs: 1, seconds: 70, least: 2, most: 2 },
    ],
    [
      "hands over after three seconds while more than four runs have drivers",
      { runs: 5, seconds: 20, least: 5, most: 20 },
    ],
  ])("%s", async (_title, { runs, seconds, least, most }) => {
    const t = newBackend({ execution: "driver" });
    const begun = slow("second", 1000);
    for (let i = 0; i < runs; i++) await startHandler(t, ofSeconds(seconds));
    await drain();
    for (const count of await drivers(t)) {
      expect(count).toBeGreaterThanOrEqual(least);
      expect(count).toBeLessThanOrEqual(most);
    }
    expect(begun).toHaveLength(runs * seconds);
  });

  test("that began late hands over after its first step", async () => {
    const t = newBackend({ execution: "driver" });
    slow("second", 1000);
    await configure(t, { maxParallelism: 0 });
    await startHandler(t, ofSeconds(2));
    await advance(MINUTE);
    await configure(t, { maxParallelism: 5 });
    await drain();
    expect(await drivers(t)).toEqual([2]);
  });
});

describe("while the pool is paused", () => {
  test.each<[string, Handler]>([
    ["mutation", (step) => echo(step, 1)],
    ["query", (step) => step.runQuery(steps.echoQuery, { value: 1 })],
    ["action", (step) => step.runAction(steps.echoAction, { value: 1 })],
  ])(
    "a new run's %s starts only when the pool resumes, and its waiting driver is never replaced",
    async (_kind, run) => {
      const t = newBackend({ execution: "driver" });
      await configure(t, { maxParallelism: 0 });
      const id = await startHandler(t, run);
      await advance(10 * MINUTE);
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
      await configure(t, { maxParallelism: 5 });
      await drain();
      expect(await statusOf(t, id)).toMatchObject({ result: 1 });
      const [row] = await journal(t, id);
      expect(row).toMatchObject({ drivenBy: 1 });
      expect(row!.step).not.toHaveProperty("workId");
    },
  );

  test("a running chain stops at its next step", async () => {
    const t = newBackend({ execution: "driver" });
    slow("slow", 9000);
    const id = await startHandler(t, async (step) => {
      await act(step, "slow");
      return await echo(step, 1);
    });
    await advance(5000);
    await configure(t, { maxParallelism: 0 });
    await advance(10 * MINUTE);
    expect(await effects(t)).toEqual([]);
    await configure(t, { maxParallelism: 5 });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: 1 });
  });
});

test("50 long chains on 10 slots all progress without waiting until others end", async () => {
  const t = newBackend({ execution: "driver" });
  await configure(t, { maxParallelism: 10 });
  slow("slow", 15_000);
  const chain: Handler = async (step) => {
    for (let i = 0; i < 8; i++) await act(step, "slow");
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
  // Ten chains would take two minutes to complete.
  await advance(6.5 * MINUTE);
  expect(Math.min(...(await done()))).toBeGreaterThanOrEqual(4);
  expect(Math.max(...(await done()))).toBeLessThan(8);
  await drain();
  expect(await done()).toEqual(times(50, () => 8));
});

describe("the journal that a driver holds", () => {
  /** Records how many rows each driver's turn received and returned. */
  function watchTurns() {
    const given = new Map<WatchedCall, number | undefined>();
    const texts: boolean[] = [];
    const calls = new Calls((call) => {
      const { drive } = call.args as { drive?: Drive };
      if (call.path !== "workflows:workflow" || !drive) return;
      const { held } = drive;
      // Count now, because the turn adds rows.
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
      for (let i = 0; i < 4; i++) await echo(step, i);
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
      times(8, () => 1),
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
      for (let i = 0; i < 5; i++) await echo(step, i);
      return "done";
    });
    const workflowId = await insertRun(t);
    await insertSteps(t, workflowId, { from: 0, to: BEFORE }, (order) => ({
      row: { delivery: { order, issued: BEFORE } },
    }));
    await takeTurn(t, workflowId);
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({ result: "done" });
    expect(await effects(t)).toEqual([0, 1, 2, 3, 4]);
    expect((await rows(t, "workflows"))[0]).toMatchObject({ drivers: 1 });
    expect(turns()).toEqual(
      times(5, () => ({ held: undefined, told: undefined })),
    );
  });
});

test("calls are nested at most six deep, even when a child ends, an event is sent and onComplete is called", async () => {
  const calls = new Calls();
  const t = newBackend({ execution: "driver", wrap: calls.wrap });
  script("handler", "child", (step) => echo(step, "child"));
  script("mutation", "send", async (ctx, workflowId) => {
    await sendEvent(ctx, components.workflow, { workflowId, name: "go" });
  });
  await startHandler(
    t,
    async (step) => {
      await echo(step, 1);
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
      await child(step);
    },
    { context: "end", startAsync: true },
  );
  await drain();
  expect(await outcomes(t)).toEqual(["success", "success"]);
  const deepest = calls.all.reduce((a, b) => (b.depth > a.depth ? b : a));
  expect(deepest.depth, deepest.path).toBeLessThanOrEqual(6);
});
