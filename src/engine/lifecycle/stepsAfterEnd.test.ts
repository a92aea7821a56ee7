import { describe, expect, test } from "vitest";
import {
  cancel,
  gate,
  jobs,
  listenToConsole,
  startWithOnComplete,
} from "../../testing/managing.js";
import { eventStates } from "../../testing/events.js";
import {
  advance,
  drain,
  effects,
  inComponent,
  journal,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
} from "../../testing/harness.js";

import type { WorkflowCtx } from "../../client/index.js";

// What a run leaves in flight when it ends by itself: race losers, steps that nobody awaited.

useBackend();
const heard = listenToConsole();

const LATER = 100_000;

describe("steps in flight when a run ends by itself", () => {
  test("continue and are recorded: they wake nothing and fail nothing", async () => {
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
          step.runAction(steps.action, { name: "slow" }),
          step.runAction(steps.action, { name: "broken" }),
          step.runMutation(steps.echo, { value: "m" }, { runAfter: LATER }),
          step.runWorkflow(workflows.workflow, { handler: "child" }),
          step.runQuery(steps.echoQuery, { value: "winner" }),
        ]);
      },
      () => ends++,
    );
    await advance(10_000);
    const ended = { type: "completed", result: "winner" };
    expect(await statusOf(t, id)).toEqual(ended);
    const turnsBefore = turns;
    open("slow");
    await drain();
    expect(await statusOf(t, id)).toEqual(ended);
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
    expect(heard.said).toEqual([]);
  });

  test("are retried as their policy says", async () => {
    const t = newBackend();
    let attempts = 0;
    script("action", "flaky", () => {
      if (++attempts < 3) throw new Error("not yet");
      return "at last";
    });
    const id = await startHandler(t, async (step) => {
      void step.runAction(steps.action, { name: "flaky" }, { retry: true });
    });
    await drain();
    const [row] = await journal(t, id);
    expect(row!.step.runResult).toMatchObject({ returnValue: "at last" });
    expect(attempts).toBe(3);
  });

  test("are dropped if they are sleeps or event waits", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      const waits = [
        step.sleep(LATER),
        step.awaitEvent({ name: "go" }),
        step.awaitEvent({ name: "timed", timeout: LATER }),
      ];
      await Promise.race([
        ...waits,
        step.runQuery(steps.echoQuery, { value: 1 }),
      ]);
      return "done";
    });
    await advance(10_000);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await eventStates(t)).toEqual(["go created", "timed created"]);
    const before = await rows(t, "steps");
    await drain();
    expect(await rows(t, "steps")).toEqual(before);
    const waiting = await inComponent(t, (ctx) =>
      ctx.db.system.query("_scheduled_functions").collect(),
    );
    expect(waiting.filter(({ state }) => state.kind === "pending")).toEqual([]);
    expect(heard.said).toEqual([]);
  });

  test("are dropped by the hundred within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await startHandler(t, async (step) => {
      for (let count = 0; count < 390; count++)
        void step.awaitEvent({ name: `event ${count}`, timeout: LATER });
      await step.runQuery(steps.echoQuery, { value: 1 });
    });
    await advance(10_000);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(
      new Set((await rows(t, "events")).map(({ state }) => state.kind)),
    ).toEqual(new Set(["created"]));
    expect(heard.said).toEqual([]);
  });
});

describe("a step issued in the very turn that ends the run", () => {
  test.each(["returns", "throws"])(
    "is still started, when the handler %s",
    async (how) => {
      const t = newBackend();
      script("handler", "child", (step) =>
        step.runMutation(steps.echo, { value: "child" }),
      );
      const id = await startHandler(t, async (step) => {
        void step.runMutation(steps.echo, { value: "unawaited" });
        void step.runAction(steps.echoAction, { value: 1 });
        void step.runWorkflow(workflows.workflow, { handler: "child" });
        if (how === "throws") throw new Error("no");
      });
      const type = how === "throws" ? "failed" : "completed";
      expect(await statusOf(t, id)).toMatchObject({ type });
      expect((await jobs(t)).length).toBeGreaterThanOrEqual(3);
      await drain();
      expect((await effects(t)).sort()).toEqual(["child", "unawaited"]);
      expect(await statusOf(t, id)).toMatchObject({ type });
      expect(heard.said).toEqual([]);
    },
  );
});

test("a child of an ended run may still be canceled alone", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.sleep(LATER));
  const id = await startHandler(t, async (step) => {
    void step.runWorkflow(workflows.workflow, { handler: "child" });
  });
  await advance(1000);
  const [, child] = await rows(t, "workflows");
  await cancel(t, child!._id as never);
  await drain();
  expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  const [row] = await journal(t, id);
  expect(row!.step.runResult).toEqual({ kind: "canceled" });
});

describe.each(["driver", "pool"] as const)("by the %s:", (execution) => {
  test("a run that returns beside large steps in flight ends as it returned", async () => {
    const t = newBackend({ execution, transactionLimits: true });
    const slow = () => new Promise((resolve) => setTimeout(resolve, 540_000));
    script("action", "slow", slow);
    const large = (step: WorkflowCtx, size: number) =>
      step.runAction(steps.action, { name: "slow", input: "x".repeat(size) });
    const id = await startHandler(
      t,
      async (step) => {
        await step.runMutation(steps.echo, { value: 0 });
        void large(step, 0);
        await step.sleep(1000);
        for (let i = 0; i < 9; i++) void large(step, 850_000);
        await step.sleep(5000);
        return "done";
      },
      { input: "x".repeat(1_000_000) },
    );
    await advance(60_000);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
    await drain();
    expect((await journal(t, id)).map(({ step }) => step.inProgress)).toEqual(
      Array.from({ length: 13 }, () => false),
    );
  });
});
