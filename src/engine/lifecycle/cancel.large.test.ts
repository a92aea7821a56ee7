import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  counts,
  jobs,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
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
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { Calls } from "../../testing/calls.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

/** Enough for all that is due now, and for none of the waits that tests make. */
const A_WHILE = 10_000;
const LONG = 1_000_000;

async function expectAllCanceled(t: Backend) {
  const runs = await rows(t, "workflows");
  expect(new Set(runs.map(({ runResult }) => runResult?.kind))).toEqual(
    new Set(["canceled"]),
  );
}

const child = (step: WorkflowCtx, input?: unknown) =>
  step.runWorkflow(workflows.workflow, { handler: "child", input });

// Runs nested in runs, and more steps than one transaction can release, with Convex's limits on.

describe("nested runs", () => {
  test("are canceled too, five deep", async () => {
    const t = newBackend();
    script("handler", "child", async (step, depth: number) => {
      if (depth === 0) return await step.sleep(LONG);
      return await child(step, depth - 1);
    });
    const id = await startHandler(t, (step) => child(step, 4));
    await advance(A_WHILE);
    expect(await rows(t, "workflows")).toHaveLength(6);
    await cancel(t, id);
    await advance(A_WHILE);
    await expectAllCanceled(t);
    expect(heard.said).toEqual([]);
  });

  test("are canceled too, 300 of them, each with a job in the pool", async () => {
    const calls = new Calls();
    const t = newBackend({ transactionLimits: true, wrap: calls.wrap });
    let ran = 0;
    script("handler", "child", (step) =>
      step.runAction(steps.action, { name: "late" }, { runAfter: LONG }),
    );
    script("action", "late", () => ran++);
    const id = await startHandler(
      t,
      (step) =>
        Promise.all(
          Array.from({ length: 300 }, (_, index) => child(step, index)),
        ),
      { context: "all" },
    );
    await advance(A_WHILE);
    expect(await rows(t, "workflows")).toHaveLength(301);
    await cancel(t, id);
    await advance(A_WHILE);
    await expectAllCanceled(t);
    expect(await jobs(t)).toEqual([]);
    // However many there are: Convex refuses arrays of more than 8,192.
    const lists = calls.of("ending:continueCancel");
    expect(lists.length).toBeGreaterThan(2);
    for (const { args } of lists)
      expect((args["runs"] as unknown[]).length).toBeLessThanOrEqual(100);
    await drain();
    expect(ran).toBe(0);
    expect(await endings(t)).toHaveLength(1);
    expect(heard.said).toEqual([]);
  });

  test("that have ended stay unchanged", async () => {
    const t = newBackend();
    script("handler", "child", async () => "done");
    const id = await startHandler(t, async (step) => {
      await child(step);
      await step.sleep(LONG);
    });
    await advance(A_WHILE);
    await cancel(t, id);
    const results = (await rows(t, "workflows")).map(
      ({ runResult }) => runResult?.kind,
    );
    expect(results).toEqual(["canceled", "success"]);
  });

  test("that are canceled alone reject their parent's step with Canceled, which can be caught", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(LONG));
    const id = await startHandler(t, (step) =>
      child(step).catch((error: Error) => `caught ${error.message}`),
    );
    await advance(A_WHILE);
    const [, nested] = await rows(t, "workflows");
    await cancel(t, nested!._id as string as WorkflowId);
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "caught Canceled",
    });
  });
});

describe("a large run is canceled in several transactions, each within limits:", () => {
  test("400 steps in flight, none of which begins", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await startHandler(t, (step) =>
      Promise.all(
        Array.from({ length: 400 }, (_, at) =>
          step.runAction(
            steps.action,
            { name: "late", input: at },
            { runAfter: LONG },
          ),
        ),
      ),
    );
    await advance(A_WHILE);
    expect(await jobs(t)).toHaveLength(400);
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect((await jobs(t)).length).toBeGreaterThan(0);
    await advance(A_WHILE);
    expect(await jobs(t)).toEqual([]);
    await drain();
    expect(ran).toBe(0);
    expect(heard.said).toEqual([]);
  });

  test("5,000 steps, of which 500 wait", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await startHandler(t, (step) => step.sleep(LONG));
    await inComponent(t, async (ctx) => {
      for (let stepNumber = 1; stepNumber < 5000; stepNumber++) {
        const inProgress = stepNumber % 10 === 0;
        const stepId = await ctx.db.insert("steps", {
          workflowId: id as never,
          stepNumber,
          step: {
            kind: "event",
            name: "go",
            args: {},
            argsSize: 0,
            startedAt: 0,
            inProgress,
            runResult: inProgress
              ? undefined
              : { kind: "success", returnValue: null },
          },
        });
        if (!inProgress) continue;
        const eventId = await ctx.db.insert("events", {
          workflowId: id as never,
          name: "go",
          createdByWait: true,
          waiter: stepNumber,
          state: { kind: "waiting", waitingAt: 0, stepId },
        });
        const row = (await ctx.db.get("steps", stepId))!;
        await ctx.db.patch("steps", stepId, {
          step: { ...row.step, eventId } as never,
        });
      }
    });
    await cancel(t, id);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    await advance(A_WHILE);
    const states = (await rows(t, "events")).map(({ state }) => state.kind);
    expect(new Set(states)).toEqual(new Set(["created"]));
    expect(heard.said).toEqual([]);
  });

  test("children whose own steps are many", async () => {
    const t = newBackend({ transactionLimits: true });
    script("handler", "child", (step) =>
      Promise.all(Array.from({ length: 90 }, () => step.sleep(LONG))),
    );
    const id = await startHandler(t, (step) =>
      Promise.all(Array.from({ length: 20 }, (_, at) => child(step, at))),
    );
    await advance(A_WHILE);
    await cancel(t, id);
    await advance(A_WHILE);
    await expectAllCanceled(t);
    expect(heard.said).toEqual([]);
  });
});

describe("between the transactions of a cancellation", () => {
  const big = (t: Backend, retried: () => unknown) => {
    script("action", "late", retried);
    return startHandler(t, (step) =>
      Promise.all(
        Array.from({ length: 250 }, (_, at) =>
          step.runAction(
            steps.action,
            { name: "late", input: at },
            { runAfter: 5000 },
          ),
        ),
      ).then((all) => all.length),
    );
  };

  test.each([{ startAsync: false }, { startAsync: true }])(
    "the run may be restarted: each step runs once, and it ends ($startAsync)",
    async (options) => {
      const t = newBackend();
      let ran = 0;
      const id = await big(t, () => ran++);
      await cancel(t, id);
      await restart(t, id, options);
      await drain();
      expect(await statusOf(t, id)).toEqual({ type: "completed", result: 250 });
      expect(ran).toBe(250);
      expect(heard.said).toEqual([]);
    },
  );

  test("the run may be cleaned up: none of its steps runs, and nothing is left", async () => {
    const t = newBackend();
    let ran = 0;
    const id = await big(t, () => ran++);
    await cancel(t, id);
    await cleanup(t, id);
    await drain();
    expect(ran).toBe(0);
    expect(await counts(t)).toEqual({});
    expect(heard.said).toEqual([]);
  });
});
