import { describe, expect, test, vi } from "vitest";
import { Calls } from "../../testing/calls.js";
import {
  advance,
  drain,
  endings,
  inComponent,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { late } from "../../testing/lateness.js";
import { insertRun, listenToConsole } from "../../testing/managing.js";
import { internal } from "../../component/_generated/api.js";
import { schedulePending, watch } from "./scheduler.js";

useBackend();
const heard = listenToConsole();

const HOUR = 60 * 60_000;

/** A handler that no longer asks for what its journal holds. */
async function startDiverging(t: Backend) {
  let replays = 0;
  return await startHandler(
    t,
    (step) => step.sleep(100, { name: replays++ === 0 ? "first" : "other" }),
    { context: "mine" },
  );
}

describe("the end of a run that can't continue", () => {
  test.each([0, 59_000, 70_000, 5 * HOUR])(
    "%d ms late, calls onComplete once",
    async (ms) => {
      const t = newBackend({ wrap: late("ending:finish", ms) });
      const id = await startDiverging(t);
      await drain();
      expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
      expect(await endings(t)).toMatchObject([{ context: "mine" }]);
      expect(await rows(t, "onCompleteFailures")).toEqual([]);
    },
  );
});

/** A run whose next turn, or end, is due in `ms`; the watchdog looks after a minute. */
async function pendingRun(t: Backend, ms: number, error?: string) {
  const id = await insertRun(t);
  await inComponent(t, async (ctx) => {
    const workflowId = id as never;
    const turn = { workflowId, generationNumber: 0 };
    const result = error ? { kind: "failed" as const, error } : undefined;
    const scheduledId = result
      ? await ctx.scheduler.runAfter(ms, internal.ending.finish, {
          ...turn,
          result,
        })
      : await ctx.scheduler.runAfter(ms, internal.turns.take, turn);
    const checkId = await watch(ctx, { ...turn, result, scheduledId });
    await ctx.db.patch("workflows", workflowId, {
      pendingTurn: { scheduledId, checkId },
    });
  });
  return id;
}

describe("a function that is still pending after hours", () => {
  test("is not considered dead: the run ends as planned", async () => {
    const t = newBackend();
    const id = await pendingRun(t, 20 * 60_000, "as it was to");
    await advance(19 * 60_000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "failed",
      error: "as it was to",
    });
    expect(heard.said).toEqual([]);
  });

  test("is replaced for an action, once, and an operator is warned", async () => {
    const t = newBackend();
    let turns = 0;
    script("handler", "main", async () => ++turns);
    const id = await pendingRun(t, 9 * HOUR);
    await advance(HOUR);
    expect(await statusOf(t, id)).toEqual({ type: "completed", result: 1 });
    expect(heard.said).toEqual([
      expect.stringMatching(
        new RegExp(`A turn of workflow ${id}.* has been due for \\d+ minutes`),
      ) as string,
    ]);
    await drain();
    expect(turns).toBe(1);
  });

  test("is checked less and less often", async () => {
    const calls = new Calls(({ path }) => {
      if (path === "turns:takeNow") throw new Error("No room for an action");
    });
    const t = newBackend({ wrap: calls.wrap });
    vi.spyOn(console, "error").mockImplementation(() => {});
    script("handler", "main", async () => "done");
    const id = await pendingRun(t, 5 * HOUR);
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
    expect(calls.of("watchdog:look").length).toBeLessThanOrEqual(5 * 6 + 6);
  });
});

describe.each([
  ["turn", undefined, { type: "completed", result: "done" }],
  ["end", "its end", { type: "failed", error: "its end" }],
])("a %s that an operator canceled", (_what, error, status) => {
  test("is scheduled again", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await pendingRun(t, HOUR, error);
    const [run] = await rows(t, "workflows");
    const { scheduledId } = run!.pendingTurn as { scheduledId: string };
    await inComponent(t, (ctx) => ctx.scheduler.cancel(scheduledId as never));
    await drain();
    expect(await statusOf(t, id)).toEqual(status);
  });
});

test("a known outcome is recorded, however late the driver reports it: the action runs once", async () => {
  const calls = new Calls(({ component, args }) => {
    if (component === "" && args["drive"]) throw new Error("The turn fails");
  });
  const t = newBackend({
    execution: "driver",
    wrap: (modules, component) =>
      late("recovering:giveUp", 5 * HOUR)(
        calls.wrap(modules, component),
        component,
      ),
  });
  let executed = 0;
  script("action", "charge", async () => {
    await new Promise((resolve) => setTimeout(resolve, 57_000));
    return `charge ${++executed}`;
  });
  const id = await startHandler(t, (step) =>
    step.runAction(steps.action, { name: "charge" }, { retry: true }),
  );
  await drain();
  expect(executed).toBe(1);
  expect(await statusOf(t, id)).toEqual({
    type: "completed",
    result: "charge 1",
  });
});

test("a driver's job that has ended is dead only if a second look finds no result either", async () => {
  const t = newBackend({
    execution: "driver",
    wrap: (modules, component) => {
      const calls = new Calls(({ path, args }) => {
        if (args["drive"]) throw new Error("The turn fails");
        if (path === "recovering:onComplete") throw new Error("Not told");
      });
      return late("recovering:giveUp", 20_000)(
        calls.wrap(modules, component),
        component,
      );
    },
  });
  vi.spyOn(console, "error").mockImplementation(() => {});
  script("action", "slow", async () => {
    await new Promise((resolve) => setTimeout(resolve, 55_000));
    return "done";
  });
  const id = await startHandler(t, (step) =>
    step.runAction(steps.action, { name: "slow" }),
  );
  await drain();
  expect(await statusOf(t, id)).toEqual({ type: "completed", result: "done" });
});

test("a scheduled function knows whether it was born canceled", async () => {
  const t = newBackend();
  const id = await insertRun(t);
  const pending = await inComponent(t, (ctx) =>
    schedulePending(ctx as never, {
      workflowId: id as never,
      generationNumber: 0,
    }),
  );
  expect(pending.isLost).toBeUndefined();
});
