import { describe, expect, test } from "vitest";
import { gate, jobs, startWithOnComplete } from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  child,
  echo,
  LATER,
  pending,
  slow,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
import { completed } from "../../testing/statuses.js";
import { eventStates } from "../../testing/events.js";
import {
  advance,
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
} from "../../testing/harness.js";
import type { WorkflowCtx } from "../../client/index.js";

// Steps that a run leaves in flight when it ends by itself, such as race losers and unawaited steps.

useBackend();
useQuietConsole();

describe("steps in flight when a run ends by itself", () => {
  test("continue and are recorded without waking or failing anything", async () => {
    const t = newBackend();
    let turns = 0;
    let ends = 0;
    const { open, passed } = gate();
    script("action", "slow", () => passed);
    script("action", "broken", async () => {
      await passed;
      throw new Error("too late");
    });
    script("handler", "child", async (step) => {
      await step.sleep(LATER);
      return "child";
    });
    const id = await startWithOnComplete(
      t,
      async (step) => {
        turns++;
        return await Promise.race([
          act(step, "slow"),
          act(step, "broken"),
          echo(step, "m", { runAfter: LATER }),
          child(step),
          step.runQuery(steps.echoQuery, { value: "winner" }),
        ]);
      },
      () => ends++,
    );
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toEqual(completed("winner"));
    const turnsBefore = turns;
    open("slow");
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("winner"));
    const results = (await journal(t, id)).map(({ step }) => step.runResult);
    expect(results).toMatchObject([
      { kind: "success", returnValue: "slow" },
      { kind: "failed", error: "too late" },
      { kind: "success", returnValue: "m" },
      { kind: "success", returnValue: "child" },
      { kind: "success", returnValue: "winner" },
    ]);
    expect(await effects(t)).toEqual(["m"]);
    expect([turns, ends]).toEqual([turnsBefore, 1]);
  });

  test("are retried as their policy says", async () => {
    const t = newBackend();
    let attempts = 0;
    script("action", "flaky", () => {
      if (++attempts < 3) throw new Error("not yet");
      return "at last";
    });
    const id = await startHandler(t, async (step) => {
      void act(step, "flaky", { retry: true });
    });
    await drain();
    const [row] = await journal(t, id);
    expect(row!.step.runResult).toMatchObject({ returnValue: "at last" });
    expect(attempts).toBe(3);
  });

  test.each([1, 130])(
    "are dropped within a transaction's limits if they are sleeps or event waits, %d of each",
    async (count) => {
      const t = newBackend({ transactionLimits: true });
      const id = await startHandler(t, async (step) => {
        for (let at = 0; at < count; at++) {
          void step.sleep(LATER);
          void step.awaitEvent({ name: `go ${at}` });
          void step.awaitEvent({ name: `timed ${at}`, timeout: LATER });
        }
        await step.runQuery(steps.echoQuery, { value: 1 });
      });
      await advance(A_WHILE);
      expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
      expect(await eventStates(t)).toEqual(
        times(count, (at) => [
          `go ${at} created`,
          `timed ${at} created`,
        ]).flat(),
      );
      const before = await rows(t, "steps");
      await drain();
      expect(await rows(t, "steps")).toEqual(before);
      expect(await pending(t)).toEqual([]);
    },
  );
});

describe("a step issued in the turn that ends the run", () => {
  test.each(["returns", "throws"])(
    "still starts if the handler %s",
    async (how) => {
      const t = newBackend();
      script("handler", "child", (step) => echo(step, "child"));
      const id = await startHandler(t, async (step) => {
        void echo(step, "unawaited");
        void step.runAction(steps.echoAction, { value: 1 });
        void child(step);
        if (how === "throws") throw new Error("no");
      });
      const type = how === "throws" ? "failed" : "completed";
      expect(await statusOf(t, id)).toMatchObject({ type });
      expect((await jobs(t)).length).toBeGreaterThanOrEqual(3);
      await drain();
      expect((await effects(t)).sort()).toEqual(["child", "unawaited"]);
      expect(await statusOf(t, id)).toMatchObject({ type });
    },
  );
});

test.each(["driver", "pool"] as const)(
  "a run that returns while large steps are in flight completes with its result (%s)",
  async (execution) => {
    const t = newBackend({ execution, transactionLimits: true });
    slow("slow", 540_000);
    const large = (step: WorkflowCtx, size: number) =>
      step.runAction(steps.action, { name: "slow", input: "x".repeat(size) });
    const id = await startHandler(
      t,
      async (step) => {
        await echo(step, 0);
        void large(step, 0);
        await step.sleep(1000);
        for (let i = 0; i < 9; i++) void large(step, 850_000);
        await step.sleep(5000);
        return "done";
      },
      { input: "x".repeat(1_000_000) },
    );
    await advance(60_000);
    expect(await statusOf(t, id)).toEqual(completed("done"));
    await drain();
    expect((await journal(t, id)).map(({ step }) => step.inProgress)).toEqual(
      times(13, () => false),
    );
  },
);
