import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  counts,
  insertSteps,
  jobs,
  restart,
} from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  child,
  LATER,
  outcomes,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
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
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { Calls } from "../../testing/calls.js";
import type { Handler } from "../../testing/app/scripts.js";
import { completed } from "../../testing/statuses.js";
import type { WorkflowId } from "../../client/index.js";

// Runs nested in runs, and more steps than one transaction can release, with Convex's limits on.

useBackend();
useQuietConsole();

const late = (count: number): Handler => {
  return async (step) => {
    const all = times(count, () => act(step, "late", { runAfter: LATER }));
    return (await Promise.all(all)).length;
  };
};

describe("cancel reaches", () => {
  const children =
    (count: number): Handler =>
    (step) =>
      Promise.all(times(count, (at) => child(step, at)));
  const down: Handler = (step, depth: number) =>
    depth === 0 ? step.sleep(LATER) : child(step, depth - 1);
  const wide: Handler = (step) =>
    Promise.all(times(90, () => step.sleep(LATER)));

  test.each<[string, Handler, Handler, { runs: number; jobs: number }]>([
    [
      "runs nested five deep",
      (step) => child(step, 4),
      down,
      { runs: 6, jobs: 0 },
    ],
    [
      "300 nested runs, each with a job in the pool",
      children(300),
      late(1),
      { runs: 301, jobs: 300 },
    ],
    [
      "nested runs whose own steps are many",
      children(20),
      wide,
      { runs: 21, jobs: 0 },
    ],
    ["400 steps in flight", late(400), late(0), { runs: 1, jobs: 400 }],
  ])(
    "%s, in transactions within limits: nothing begins",
    async (_what, handler, nested, scene) => {
      const calls = new Calls();
      const t = newBackend({ transactionLimits: true, wrap: calls.wrap });
      let ran = 0;
      script("action", "late", () => ran++);
      script("handler", "child", nested);
      const id = await startHandler(t, handler, { context: "all" });
      await advance(A_WHILE);
      expect(await rows(t, "workflows")).toHaveLength(scene.runs);
      expect(await jobs(t)).toHaveLength(scene.jobs);
      await cancel(t, id);
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
      // The rest is left to other transactions.
      expect((await jobs(t)).length > 0).toBe(scene.jobs > 0);
      await advance(A_WHILE);
      expect(new Set(await outcomes(t))).toEqual(new Set(["canceled"]));
      expect(await jobs(t)).toEqual([]);
      // However many there are: Convex refuses arrays of more than 8,192.
      const lists = calls.of("ending:continueCancel");
      if (scene.runs > 300) expect(lists.length).toBeGreaterThan(2);
      for (const { args } of lists)
        expect((args["runs"] as unknown[]).length).toBeLessThanOrEqual(100);
      await drain();
      expect(ran).toBe(0);
      expect(await endings(t)).toHaveLength(1);
    },
  );

  test("500 waits among 5,000 steps", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await startHandler(t, (step) => step.sleep(LATER));
    const waits = (at: number) => at % 10 === 1;
    await insertSteps(t, id, { from: 1, to: 5000 }, (at) => ({
      step: {
        kind: "event",
        functionType: undefined,
        handle: undefined,
        args: {},
        name: "go",
        ...(waits(at) && { inProgress: true, runResult: undefined }),
      } as never,
    }));
    await inComponent(t, async (ctx) => {
      for (const row of await ctx.db.query("steps").collect()) {
        if (!waits(row.stepNumber)) continue;
        const eventId = await ctx.db.insert("events", {
          workflowId: id as never,
          name: "go",
          createdByWait: true,
          waiter: row.stepNumber,
          state: { kind: "waiting", waitingAt: 0, stepId: row._id },
        });
        const step = { ...row.step, eventId } as never;
        await ctx.db.patch("steps", row._id, { step });
      }
    });
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    await advance(A_WHILE);
    const states = (await rows(t, "events")).map(({ state }) => state.kind);
    expect(states).toEqual(times(500, () => "created"));
  });
});

describe("nested runs", () => {
  test("that have ended stay unchanged", async () => {
    const t = newBackend();
    script("handler", "child", async () => "done");
    const id = await startHandler(t, async (step) => {
      await child(step);
      await step.sleep(LATER);
    });
    await advance(A_WHILE);
    await cancel(t, id);
    expect(await outcomes(t)).toEqual(["canceled", "success"]);
  });

  test("that are canceled alone reject their parent's step with Canceled, which can be caught", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(LATER));
    const id = await startHandler(t, (step) =>
      child(step).catch((error: Error) => `caught ${error.message}`),
    );
    await advance(A_WHILE);
    const [, nested] = await rows(t, "workflows");
    await cancel(t, nested!._id as string as WorkflowId);
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toEqual(completed("caught Canceled"));
  });
});

describe("between the transactions of a cancellation, 300 steps in flight", () => {
  type Act = (t: Backend, id: WorkflowId) => Promise<unknown>;
  const again: Act = (t, id) => restart(t, id);
  const againLater: Act = (t, id) => restart(t, id, { startAsync: true });

  test.each<[string, Act[], string[]]>([
    ["run once after a restart", [again], ["success"]],
    ["run once after a restart by the pool", [againLater], ["success"]],
    [
      "run once after a restart, a cancel and a restart",
      [againLater, cancel, againLater],
      ["canceled", "success"],
    ],
    ["never run after a cleanup, which leaves nothing", [cleanup], []],
    [
      "never run after a restart, a cancel and a cleanup, which leaves nothing",
      [againLater, cancel, cleanup],
      ["canceled"],
    ],
  ])("%s", async (_what, acts, ends) => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await startHandler(t, late(300), { context: "mine" });
    await cancel(t, id);
    for (const each of acts) await each(t, id);
    await drain();
    const isGone = acts.includes(cleanup);
    expect(ran).toBe(isGone ? 0 : 300);
    const kinds = (await endings(t)).map(({ result }) => result.kind);
    expect(kinds).toEqual(["canceled", ...ends]);
    if (isGone) expect(await counts(t)).toEqual({});
    else expect(await statusOf(t, id)).toEqual(completed(300));
  });
});
