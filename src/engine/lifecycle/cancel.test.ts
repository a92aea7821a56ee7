import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  counts,
  gate,
  jobs,
  listenToConsole,
  startWithOnComplete,
} from "../../testing/managing.js";
import { eventStates } from "../../testing/events.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
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
  type Backend,
} from "../../testing/harness.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
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

describe("cancel stops a run now:", () => {
  test("its status is canceled at once, in the same transaction", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LONG));
    const status = await t.mutation(async (ctx) => {
      await client.cancel(ctx, components.workflow, id);
      return await client.getStatus(ctx, components.workflow, id);
    });
    expect(status).toEqual({ type: "canceled" });
  });

  test.each(["Mutation", "Query", "Action"] as const)(
    "a %s that has not begun never does",
    async (kind) => {
      const t = newBackend();
      let ran = false;
      for (const each of ["mutation", "query", "action"] as const)
        script(each, "late", () => (ran = true));
      const args = { name: "late" };
      const ask = {
        Mutation: (step: WorkflowCtx) => step.runMutation(steps.mutation, args),
        Query: (step: WorkflowCtx) => step.runQuery(steps.query, args),
        Action: (step: WorkflowCtx) => step.runAction(steps.action, args),
      };
      const id = await startHandler(t, ask[kind]);
      expect(await jobs(t)).toHaveLength(kind === "Action" ? 1 : 0);
      await cancel(t, id);
      expect(await jobs(t)).toEqual([]);
      await drain();
      expect(ran).toBe(false);
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
      expect(heard.said).toEqual([]);
    },
  );

  test("a retry that is due never starts", async () => {
    const t = newBackend();
    let attempts = 0;
    script("action", "flaky", () => {
      attempts++;
      throw new Error("again");
    });
    const retry = { maxAttempts: 5, initialBackoffMs: 60_000, base: 2 };
    const id = await startHandler(t, (step) =>
      step.runAction(steps.action, { name: "flaky" }, { retry }),
    );
    await advance(A_WHILE);
    expect(attempts).toBe(1);
    await cancel(t, id);
    expect(await jobs(t)).toEqual([]);
    await drain();
    expect(attempts).toBe(1);
  });

  test("a pending turn is removed from the pool, even if it is due much later", async () => {
    const t = newBackend();
    script("handler", "child", async () => "never");
    const id = await startHandler(t, (step) =>
      step.runWorkflow(
        workflows.workflow,
        { handler: "child" },
        { runAfter: LONG },
      ),
    );
    const late = await startHandler(t, async () => "never", {
      startAsync: true,
    });
    expect(await jobs(t)).toHaveLength(2);
    await cancel(t, id);
    await cancel(t, late);
    expect(await jobs(t)).toEqual([]);
    await drain();
    await expectAllCanceled(t);
    expect(heard.said).toEqual([]);
  });

  test("sleeps and event waits no longer complete anything, and wait for nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      Promise.all([
        step.sleep(LONG),
        step.awaitEvent({ name: "a" }),
        step.awaitEvent({ name: "b", timeout: LONG }),
      ]),
    );
    await cancel(t, id);
    expect(await eventStates(t)).toEqual(["a created", "b created"]);
    const before = await everyRow(t);
    await advance(2 * LONG);
    expect(await everyRow(t)).toEqual(before);
    expect(heard.said).toEqual([]);
  });

  test.each(["driver", "pool"] as const)(
    "an action that runs finishes, and its result is ignored quietly (%s)",
    async (execution) => {
      const t = newBackend({ execution });
      const { open, passed } = gate();
      let finished = false;
      script("action", "slow", async () => {
        await passed;
        finished = true;
        return "too late";
      });
      const id = await startHandler(t, (step) =>
        step.runAction(steps.action, { name: "slow" }, { retry: true }),
      );
      await advance(A_WHILE);
      await cancel(t, id);
      await advance(A_WHILE);
      open(null);
      await drain();
      expect(finished).toBe(true);
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
      const [row] = await journal(t, id);
      expect(row!.step.runResult).toBeUndefined();
      expect(heard.said).toEqual([]);
    },
  );

  test.each(["driver", "pool"] as const)(
    "an action that runs and fails is not retried, and is ignored quietly (%s)",
    async (execution) => {
      const t = newBackend({ execution });
      const { open, passed } = gate();
      let attempts = 0;
      script("action", "slow", async () => {
        attempts++;
        await passed;
        throw new Error("too late");
      });
      const id = await startHandler(t, (step) =>
        step.runAction(steps.action, { name: "slow" }, { retry: true }),
      );
      await advance(A_WHILE);
      await cancel(t, id);
      await advance(A_WHILE);
      open(null);
      await drain();
      expect(attempts).toBe(1);
      expect(await statusOf(t, id)).toEqual({ type: "canceled" });
      expect(heard.said).toEqual([]);
    },
  );

  test("a run whose turn has not been taken, before it does anything", async () => {
    const t = newBackend();
    let begun = false;
    const handler = async () => (begun = true);
    const id = await startHandler(t, handler, { startAsync: true });
    await cancel(t, id);
    await drain();
    expect(begun).toBe(false);
    expect(heard.said).toEqual([]);
  });
});

describe("onComplete", () => {
  test("is called with canceled, once, and sees the final status", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LONG), {
      context: "mine",
    });
    await cancel(t, id);
    expect(await endings(t)).toMatchObject([
      { workflowId: id, result: { kind: "canceled" }, context: "mine" },
    ]);
    await advance(2 * LONG);
    expect(await endings(t)).toHaveLength(1);
  });
});

describe("cancel throws and changes nothing for a run", () => {
  async function expectRefused(t: Backend, id: WorkflowId, error: string) {
    const before = await everyRow(t);
    await expect(cancel(t, id)).rejects.toThrow(error);
    expect(await everyRow(t)).toEqual(before);
  }

  const outcomes: Record<string, () => Promise<unknown>> = {
    completed: async () => 1,
    failed: () => Promise.reject(new Error("no")),
  };
  test.each(Object.entries(outcomes))(
    "that has %s: the error names its id and state",
    async (state, handler) => {
      const t = newBackend();
      const { workflowId } = await runHandler(t, handler, { context: 1 });
      await expectRefused(
        t,
        workflowId,
        `Can't cancel workflow ${workflowId}: it is already ${state}.`,
      );
    },
  );

  test("that is canceled already: the error names its id and state", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LONG));
    await cancel(t, id);
    const error = `Can't cancel workflow ${id}: it is already canceled.`;
    await expectRefused(t, id, error);
  });

  test("unless ignoring was asked for: then an ended run is ignored, and cancel returns that", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LONG));
    const cancelUnlessEnded = () =>
      t.mutation((ctx) => manager.cancel(ctx, id, { ifFinished: "ignore" }));
    expect(await cancelUnlessEnded()).toBe(true);
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    const before = await everyRow(t);
    expect(await cancelUnlessEnded()).toBe(false);
    expect(await everyRow(t)).toEqual(before);
    await cleanup(t, id);
    await expect(cancelUnlessEnded()).rejects.toThrow("Workflow not found");
  });

  test("that is gone", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async () => 1);
    await cleanup(t, workflowId);
    await expectRefused(t, workflowId, `Workflow not found: ${workflowId}`);
  });

  test("whose id is something else's", async () => {
    const t = newBackend();
    await runHandler(t, (step) => step.sleep(1));
    const [step] = await rows(t, "steps");
    const ids = ["", "garbage", step!._id as string];
    for (const id of ids)
      await expectRefused(t, id as WorkflowId, `Invalid workflow ID: ${id}`);
  });
});

describe("a run may be canceled", () => {
  test("from within, by a step of its own, whose writes stay", async () => {
    const t = newBackend();
    script("mutation", "stop", async (ctx, id: WorkflowId) => {
      await ctx.db.insert("effects", { key: "stop", value: "stopped" });
      await client.cancel(ctx, components.workflow, id);
    });
    let wentOn = false;
    const id = await startHandler(
      t,
      async (step) => {
        await step.runMutation(steps.mutation, {
          name: "stop",
          input: step.workflowId,
        });
        wentOn = true;
      },
      { context: 1 },
    );
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect(await effects(t)).toEqual(["stopped"]);
    expect(await endings(t)).toHaveLength(1);
    expect(wentOn).toBe(false);
    expect(heard.said).toEqual([]);
  });

  test("by an inline step of its own: nothing that it asks for after is started", async () => {
    const t = newBackend();
    script("mutation", "stop", async (ctx, id: WorkflowId) => {
      await client.cancel(ctx, components.workflow, id);
    });
    const id = await startHandler(t, async (step) => {
      const args = { name: "stop", input: step.workflowId };
      await step.runMutation(steps.mutation, args, { inline: true });
      await step.runMutation(steps.echo, { value: "after" });
    });
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect(await effects(t)).toEqual([]);
    expect(heard.said).toEqual([]);
  });

  test("by the manager, from an action and from another workflow", async () => {
    const t = newBackend();
    const sleeper = { startAsync: true };
    const one = await startHandler(t, (step) => step.sleep(LONG), sleeper);
    const two = await startHandler(t, (step) => step.sleep(LONG), sleeper);
    await t.action((ctx) => manager.cancel(ctx, one));
    await runHandler(t, (step) => manager.cancel(step, two), { name: "other" });
    expect(await statusOf(t, one)).toEqual({ type: "canceled" });
    expect(await statusOf(t, two)).toEqual({ type: "canceled" });
  });

  test("and then be cleaned up by its onComplete, in one go: its pending work never begins", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    script("handler", "child", (step) => step.sleep(LONG));
    const id = await startWithOnComplete(
      t,
      (step) =>
        Promise.all([
          child(step),
          ...Array.from({ length: 150 }, () =>
            step.runAction(steps.action, { name: "late" }, { runAfter: LONG }),
          ),
        ]),
      (ctx, { workflowId }) =>
        client.cleanup(ctx, components.workflow, workflowId),
    );
    await advance(A_WHILE);
    await cancel(t, id);
    await drain();
    expect(ran).toBe(0);
    expect(await counts(t)).toEqual({});
    expect(heard.said).toEqual([]);
  });
});
