import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  jobs,
  restart,
  rowCounts,
} from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  child,
  echo,
  LATER,
  outcomes,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
import { create, eventStates, send } from "../../testing/events.js";
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
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import * as client from "../../client/index.js";
import type { EventId, WorkflowCtx, WorkflowId } from "../../client/index.js";

// How a restart handles steps in flight and their results, and the events and children of deleted steps.

useBackend();
const heard = useQuietConsole();

const runAfter = LATER;
let eventId: EventId;

type Finish = (t: Backend, workflowId: WorkflowId) => Promise<unknown>;
const wait: Finish = () => advance(2 * LATER);

/** A step that stays in flight for a while, the operation that ends it the second time, and its result then. */
const kinds: [string, Handler, Finish, string][] = [
  ["a mutation", (step) => echo(step, "m", { runAfter }), wait, "m"],
  [
    "a query",
    (step) => step.runQuery(steps.echoQuery, { value: "q" }, { runAfter }),
    wait,
    "q",
  ],
  [
    "an action",
    (step) => step.runAction(steps.echoAction, { value: "a" }, { runAfter }),
    wait,
    "a",
  ],
  [
    "an action between two attempts",
    (step) => {
      const retry = { maxAttempts: 2, initialBackoffMs: LATER, base: 2 };
      return act(step, "flaky", { retry });
    },
    wait,
    "third time lucky",
  ],
  ["a sleep", (step) => step.sleep(LATER).then(() => "slept"), wait, "slept"],
  [
    "a wait for an event by name",
    (step) => step.awaitEvent({ name: "go", validator: v.string() }),
    (t, workflowId) => send(t, { name: "go", workflowId, value: "e" }),
    "e",
  ],
  [
    "a wait for an event by id",
    (step) => step.awaitEvent({ id: eventId, validator: v.string() }),
    (t) => send(t, { id: eventId, value: "i" }),
    "i",
  ],
  [
    "a wait for an event with a timeout",
    (step) =>
      step
        .awaitEvent({ name: "go", timeout: LATER })
        .catch((error: Error) => error.name),
    wait,
    "TimeoutError",
  ],
  ["a nested run", (step) => child(step), wait, "child"],
];

/** Starts a run that has a step of this kind in flight. */
async function startKind(t: Backend, handler: Handler) {
  let attempts = 0;
  script("action", "flaky", () => {
    if (++attempts < 3) throw new Error("not yet");
    return "third time lucky";
  });
  script("handler", "child", async (step) => {
    await step.sleep(LATER);
    return await echo(step, "child");
  });
  const id = await startHandler(t, handler, { startAsync: true });
  eventId = await create(t, id, "by id");
  await advance(A_WHILE);
  return id;
}

describe.each(kinds)("%s in flight", (name, ask, finish, result) => {
  test.each([
    ["was canceled is discarded and runs again", {}],
    ["was canceled is discarded and runs again", { startAsync: true }],
    ["ended by itself is fenced and runs again", {}],
    [
      "was canceled is deleted by a restart from before it, and is asked for anew",
      { from: 0, startAsync: true },
    ],
  ])(
    "when the run %s, so the run never hangs (%o)",
    async (end, options: { from?: number; startAsync?: boolean }) => {
      const t = newBackend();
      const endsAlone = end.startsWith("ended");
      let again = false;
      const id = await startKind(t, async (step) => {
        await echo(step, "first");
        const slow = ask(step, undefined);
        if (!endsAlone) return await slow;
        await echo(step, "quick");
        return again ? await slow : "quick";
      });
      if (endsAlone) expect(await statusOf(t, id)).toEqual(completed("quick"));
      else await cancel(t, id);
      again = true;
      await restart(t, id, options);
      await advance(A_WHILE);
      expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
      const inProgress = (await journal(t, id)).map((row) => row.step);
      expect(inProgress.map((step) => step.inProgress)).toEqual(
        endsAlone ? [false, true, false] : [false, true],
      );
      await finish(t, id);
      await drain();
      expect(await statusOf(t, id)).toEqual(completed(result));
      // Each ran once, because the first execution's work was withdrawn.
      const ran = ["first"];
      if (options.from === 0) ran.push("first");
      if (endsAlone) ran.push("quick");
      if (["m", "child"].includes(result)) ran.push(result);
      expect(await effects(t)).toEqual(ran);
      expect(await rows(t, "workflows")).toHaveLength(
        name === "a nested run" ? 2 : 1,
      );
      expect(await jobs(t)).toEqual([]);
    },
  );

  test("after a cancel and a restart, the run can be canceled and cleaned up again", async () => {
    const t = newBackend();
    const id = await startKind(t, (step) => ask(step, undefined));
    await cancel(t, id);
    await restart(t, id, { startAsync: true });
    await cancel(t, id);
    await advance(A_WHILE);
    await cleanup(t, id);
    await drain();
    expect(await rowCounts(t)).toEqual({});
  });
});

describe("results that a restart keeps", () => {
  test("and were delivered before the cut keep their places", async () => {
    const t = newBackend();
    const winners: unknown[] = [];
    const id = await startHandler(t, async (step) => {
      const slow = echo(step, "slow", { runAfter: 50_000 });
      const winner = await Promise.race([slow, echo(step, "quick")]);
      await echo(step, "middle", { runAfter });
      await echo(step, "last");
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
      const early = echo(step, "early", { runAfter: 50_000 });
      await echo(step, "between");
      const late = echo(step, "late", { runAfter: 10 });
      winners.push(await Promise.race([early, late]));
      await Promise.all([early, late]);
    });
    await drain();
    expect(winners).toContain("late");
    winners.length = 0;
    // "early" arrived while step 2 was in flight. Now it is there before step 2 begins.
    await restart(t, id, { from: 2 });
    await drain();
    expect(new Set(winners)).toEqual(new Set(["early"]));
    // Each result has its own place, so later turns deliver them in the same order.
    const places = (await journal(t, id)).map(
      ({ delivery }) => delivery?.order,
    );
    expect(places.sort()).toEqual([0, 1, 2]);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });
});

describe("deleting steps also deletes", () => {
  test("the events that they consumed, but not those of kept steps", async () => {
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
    expect(heard.takeNote()).toEqual([
      expect.stringContaining('while event "three" was sent'),
    ]);
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
    const unsent = expect.stringContaining(
      'waits for event "by name"',
    ) as string;
    expect(heard.takeNote()).toEqual([unsent, unsent]);
  });

  test.each([{ startAsync: false }, { startAsync: true }])(
    "the running children of steps, which are canceled at once and accept no events ($startAsync)",
    async (options) => {
      const t = newBackend();
      let ran = 0;
      script("action", "late", () => ran++);
      script("handler", "child", async (step, depth: number) => {
        if (depth > 0) await child(step, depth - 1);
        const late = act(step, "late", { runAfter });
        await Promise.race([late, step.awaitEvent({ name: "go" })]);
        await echo(step, `depth ${depth}`);
      });
      let nested = true;
      const id = await startHandler(t, async (step) => {
        if (!nested) return "alone";
        for (const depth of [...times(20, () => 0), 1]) void child(step, depth);
        await step.sleep(1);
        return "with children";
      });
      await advance(A_WHILE);
      expect(await statusOf(t, id)).toEqual(completed("with children"));
      const running = (await rows(t, "workflows")).slice(1);
      expect(await outcomes(t)).toEqual([
        "success",
        ...times(22, () => undefined),
      ]);
      nested = false;
      await t.mutation(async (ctx) => {
        const { workflow } = components;
        await client.restart(ctx, workflow, id, { from: 0, ...options });
        for (const { _id: workflowId } of running) {
          const { type } = await client.getStatus(ctx, workflow, workflowId);
          expect(type).toBe("canceled");
          await client.sendEvent(ctx, workflow, { workflowId, name: "go" });
        }
      });
      expect(heard.takeNote()).toHaveLength(22);
      await advance(A_WHILE);
      expect(await jobs(t)).toEqual([]);
      await drain();
      expect([await effects(t), ran]).toEqual([[], 0]);
      expect(await statusOf(t, id)).toMatchObject({ result: "alone" });
      expect(await rowCounts(t)).toEqual({ workflows: 1 });
    },
  );
});
