import { describe, expect, test } from "vitest";
import {
  callInternal,
  cancel,
  cleanup,
  counts,
  gate,
  insertRun,
  insertSteps,
  jobs,
  listenToConsole,
  restart,
  startWithOnComplete,
} from "../../testing/managing.js";
import { create, send } from "../../testing/events.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  components,
  drain,
  effects,
  inComponent,
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
import { completed } from "../../testing/statuses.js";
import { internal } from "../../component/_generated/api.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const A_WHILE = 10_000;
const LATER = 100_000;

const child = (step: WorkflowCtx, input?: unknown) =>
  step.runWorkflow(workflows.workflow, { handler: "child", input });

async function expectGone(t: Backend) {
  expect(await counts(t)).toEqual({});
  expect(await jobs(t)).toEqual([]);
  expect(heard.said).toEqual([]);
}

describe("cleanup deletes a finished run", () => {
  test("with its steps, and leaves other runs unchanged", async () => {
    const t = newBackend();
    const other = await runHandler(t, (step) =>
      step.runMutation(steps.echo, { value: "other" }),
    );
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(10);
    });
    expect(await cleanup(t, workflowId)).toBe(true);
    expect(await counts(t)).toEqual({ workflows: 1, steps: 1 });
    expect(await statusOf(t, other.workflowId)).toEqual(other.status);
    await expect(statusOf(t, workflowId)).rejects.toThrow(
      `Workflow not found: ${workflowId}`,
    );
  });

  test("that failed, and one that was canceled", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, () =>
      Promise.reject(new Error("no")),
    );
    const canceled = await startHandler(t, (step) => step.sleep(LATER));
    await cancel(t, canceled);
    expect(await cleanup(t, workflowId)).toBe(true);
    expect(await cleanup(t, canceled)).toBe(true);
    await drain();
    await expectGone(t);
  });

  test("with all its events: consumed, sent, created and never awaited", async () => {
    const t = newBackend();
    const other = await startHandler(t, (step) =>
      step.awaitEvent({ name: "go" }),
    );
    const id = await startHandler(
      t,
      (step) => step.awaitEvent({ name: "go" }),
      { name: "second" },
    );
    await create(t, id, "created");
    await create(t, id, "go");
    const sent = await create(t, id, "sent");
    await send(t, { id: sent, value: 1 });
    await send(t, { name: "never awaited", workflowId: id });
    await send(t, { name: "go", workflowId: id });
    await drain();
    expect(await counts(t)).toMatchObject({ events: 6 });
    await cleanup(t, id);
    expect((await rows(t, "events")).map((row) => row.workflowId)).toEqual([
      other,
    ]);
  });

  test("with its nested runs and theirs", async () => {
    const t = newBackend();
    script("handler", "child", async (step, depth: number) => {
      await step.runMutation(steps.echo, { value: depth });
      if (depth > 0) await child(step, depth - 1);
    });
    const { workflowId } = await runHandler(t, (step) =>
      Promise.all([child(step, 3), child(step, 1)]),
    );
    expect(await counts(t)).toEqual({ workflows: 7, steps: 12 });
    await cleanup(t, workflowId);
    await drain();
    await expectGone(t);
  });

  test("with a nested run that is still running: it is canceled first", async () => {
    const t = newBackend();
    let ran = 0;
    script("action", "late", () => ran++);
    script("handler", "child", (step) =>
      step.runAction(steps.action, { name: "late" }, { runAfter: LATER }),
    );
    const id = await startHandler(t, async (step) => {
      await Promise.race([child(step), step.sleep(10)]);
    });
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    await cleanup(t, id);
    await advance(A_WHILE);
    await expectGone(t);
    await drain();
    expect(ran).toBe(0);
  });
});

describe("large runs are deleted in several transactions, each within limits:", () => {
  const result = { kind: "success" as const, returnValue: null };

  test("5,000 steps, 256 at a time", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t, { runResult: result });
    await insertSteps(t, id, { from: 0, to: 5000 });
    expect(await cleanup(t, id)).toBe(true);
    expect(await counts(t)).toEqual({ steps: 5000 - 256 });
    await drain();
    await expectGone(t);
  });

  test("600 events that were never awaited", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t, { runResult: result });
    await inComponent(t, async (ctx) => {
      for (let count = 0; count < 600; count++)
        await ctx.db.insert("events", {
          workflowId: id as never,
          name: `event ${count}`,
          state: { kind: "sent", sentAt: 0, result },
        });
    });
    await cleanup(t, id);
    expect((await counts(t))["events"]).toBeGreaterThan(0);
    await drain();
    await expectGone(t);
  });

  test("steps of a megabyte each", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t, { runResult: result });
    const value = "x".repeat(900_000);
    for (let from = 0; from < 40; from += 10)
      await insertSteps(t, id, { from, to: from + 10 }, () => ({
        step: { args: { value } },
      }));
    await cleanup(t, id);
    await drain();
    await expectGone(t);
  });

  test("600 nested runs", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t, { runResult: result });
    const children: WorkflowId[] = [];
    for (let count = 0; count < 600; count++)
      children.push(await insertRun(t, { runResult: result }));
    await insertSteps(t, id, { from: 0, to: 600 }, (stepNumber) => ({
      step: {
        kind: "workflow",
        workflowId: children[stepNumber],
        functionType: undefined,
      } as never,
    }));
    await cleanup(t, id);
    await drain();
    await expectGone(t);
  });

  test("hundreds of steps of a run whose cancellation is not finished", async () => {
    const t = newBackend({ transactionLimits: true });
    let ran = 0;
    script("action", "late", () => ran++);
    const id = await startHandler(t, (step) =>
      Promise.all(
        Array.from({ length: 390 }, (_, input) =>
          step.runAction(
            steps.action,
            { name: "late", input },
            { runAfter: LATER },
          ),
        ),
      ),
    );
    await advance(A_WHILE);
    await cancel(t, id);
    await cleanup(t, id);
    await drain();
    expect(ran).toBe(0);
    await expectGone(t);
  });
});

describe("cleanup returns false and changes nothing", () => {
  async function expectFalse(t: Backend, id: WorkflowId) {
    const before = await everyRow(t);
    expect(await cleanup(t, id)).toBe(false);
    expect(await everyRow(t)).toEqual(before);
  }

  test("for a run that is running", async () => {
    const t = newBackend();
    const waiting = await startHandler(t, (step) => step.sleep(LATER));
    await expectFalse(t, waiting);
    const due = await startHandler(t, async () => 1, { startAsync: true });
    await expectFalse(t, due);
  });

  test("for a run that is gone", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async () => 1);
    await cleanup(t, workflowId);
    await expectFalse(t, workflowId);
  });
});

describe("an id of no workflow throws Invalid workflow ID, and changes nothing:", () => {
  test("ids of other tables, and garbage", async () => {
    const t = newBackend();
    await runHandler(t, (step) =>
      step.awaitEvent({ name: "go", timeout: 10 }).catch(() => null),
    );
    const id = await startHandler(t, (step) => step.awaitEvent({ name: "go" }));
    const event = await create(t, id, "x");
    const [step] = await rows(t, "steps");
    const effect = await t.run((ctx) =>
      ctx.db.insert("effects", { key: "k", value: 1 }),
    );
    const before = await everyRow(t);
    for (const wrong of [step!._id, event, effect, "", "garbage", `${id}x`])
      await expect(cleanup(t, wrong as WorkflowId), wrong).rejects.toThrow(
        `Invalid workflow ID: ${wrong}`,
      );
    expect(await everyRow(t)).toEqual(before);
  });
});

describe("cleanup from inside onComplete", () => {
  test.each(["success", "failed", "canceled"] as const)(
    "of a run that ends as %s leaves nothing and logs nothing",
    async (end) => {
      const t = newBackend();
      const seen: unknown[] = [];
      const id = await startWithOnComplete(
        t,
        async (step) => {
          await step.runMutation(steps.echo, { value: 1 });
          if (end === "failed") throw new Error("no");
          if (end === "canceled") await step.sleep(LATER);
        },
        async (ctx, { workflowId, result }) => {
          const { workflow } = components;
          const { type } = await client.getStatus(ctx, workflow, workflowId);
          const deleted = await client.cleanup(ctx, workflow, workflowId);
          seen.push([result.kind, type, deleted]);
        },
      );
      await advance(A_WHILE);
      if (end === "canceled") await cancel(t, id);
      await drain();
      const type = end === "success" ? "completed" : end;
      expect(seen).toEqual([[end, type, true]]);
      await expectGone(t);
    },
  );

  test("of a run that ends in its first part, inside the caller's transaction", async () => {
    const t = newBackend();
    await startWithOnComplete(
      t,
      async () => 1,
      (ctx, { workflowId }) =>
        client.cleanup(ctx, components.workflow, workflowId),
    );
    await drain();
    await expectGone(t);
  });
});

describe.each(["driver", "pool"] as const)(
  "%s: steps in flight when the run is cleaned up",
  (execution) => {
    /** Runs a handler that leaves steps behind, and cleans up in its `onComplete`. */
    async function cleanedUpAtEnd(
      t: Backend,
      leave: (step: WorkflowCtx) => Promise<unknown>[],
    ) {
      return await startWithOnComplete(
        t,
        async (step) => {
          await Promise.race([
            step.runMutation(steps.echo, { value: "winner" }),
            ...leave(step),
          ]);
        },
        async (ctx, { workflowId }) => {
          await client.cleanup(ctx, components.workflow, workflowId);
        },
      );
    }

    test("are executed if they are functions: a mutation, a query and an action, now or later", async () => {
      const t = newBackend({ execution });
      const ran: unknown[] = [];
      script("query", "q", (_ctx, input) => void ran.push(`query ${input}`));
      script("action", "a", (_ctx, input) => void ran.push(`action ${input}`));
      for (const runAfter of [0, LATER]) {
        await cleanedUpAtEnd(t, (step) => [
          step.runMutation(
            steps.echo,
            { value: `loser ${runAfter}` },
            { runAfter },
          ),
          step.runQuery(
            steps.query,
            { name: "q", input: runAfter },
            { runAfter },
          ),
          step.runAction(
            steps.action,
            { name: "a", input: runAfter },
            { runAfter },
          ),
        ]);
        await drain();
      }
      expect((await effects(t)).sort()).toEqual([
        "loser 0",
        "loser 100000",
        "winner",
        "winner",
      ]);
      expect(ran.sort()).toEqual([
        "action 0",
        "action 100000",
        "query 0",
        "query 100000",
      ]);
      await expectGone(t);
    });

    test("is executed if it is one that the last turn issued", async () => {
      const t = newBackend({ execution });
      await startWithOnComplete(
        t,
        async (step) => {
          await step.runQuery(steps.echoQuery, { value: 1 });
          void step.runMutation(steps.echo, { value: "last" });
        },
        async (ctx, { workflowId }) => {
          await client.cleanup(ctx, components.workflow, workflowId);
        },
      );
      await drain();
      expect(await effects(t)).toEqual(["last"]);
      await expectGone(t);
    });

    test("are retried if they are actions, as their policy says", async () => {
      const t = newBackend({ execution });
      const attempts = { recovers: 0, fails: 0 };
      script("action", "recovers", () => {
        if (++attempts.recovers < 3) throw new Error("not yet");
      });
      script("action", "fails", () => {
        attempts.fails++;
        throw new Error("never");
      });
      const retry = { maxAttempts: 4, initialBackoffMs: 1000, base: 2 };
      await cleanedUpAtEnd(t, (step) => [
        step.runAction(steps.action, { name: "recovers" }, { retry }),
        step.runAction(steps.action, { name: "fails" }, { retry }),
      ]);
      await drain();
      expect(attempts).toEqual({ recovers: 3, fails: 4 });
      await expectGone(t);
    });

    test("are executed once, and the run can no longer be seen", async () => {
      const t = newBackend({ execution });
      const id = await startHandler(t, (step) =>
        Promise.race([
          step.runMutation(steps.echo, { value: "late" }, { runAfter: LATER }),
          step.awaitEvent({ name: "go" }),
          step.sleep(10),
        ]),
      );
      await advance(A_WHILE);
      expect(await cleanup(t, id)).toBe(true);
      expect(await cleanup(t, id)).toBe(false);
      for (const call of [
        () => statusOf(t, id),
        () => cancel(t, id),
        () => restart(t, id),
        () => t.query((ctx) => manager.listSteps(ctx, id)),
      ])
        await expect(call()).rejects.toThrow(`Workflow not found: ${id}`);
      expect((await t.query((ctx) => manager.list(ctx))).page).toEqual([]);
      await send(t, { name: "go", workflowId: id, value: 1 });
      expect(heard.said).toHaveLength(1);
      heard.said = [];
      expect(await rows(t, "events")).toEqual([]);
      await drain();
      expect(await effects(t)).toEqual(["late"]);
      await expectGone(t);
    });

    test("by the hundred are executed, beside children, sleeps and waits that are dropped", async () => {
      const t = newBackend({ execution, transactionLimits: true });
      script("handler", "child", (step) =>
        step.runMutation(steps.echo, { value: "child" }, { runAfter: LATER }),
      );
      const id = await startHandler(t, async (step) => {
        for (let value = 0; value < 150; value++) {
          void step.runMutation(steps.echo, { value }, { runAfter: LATER });
          void step.awaitEvent({ name: "go", timeout: LATER });
        }
        for (let count = 0; count < 60; count++) void child(step);
        await step.sleep(10);
      });
      await advance(A_WHILE);
      expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
      await cleanup(t, id);
      await drain();
      expect((await effects(t)).sort((a, b) => Number(a) - Number(b))).toEqual(
        Array.from({ length: 150 }, (_, value) => value),
      );
      await expectGone(t);
    });
  },
);

test("an action that a driver has not begun when its run is canceled and cleaned up never begins", async () => {
  const t = newBackend({ execution: "driver" });
  let begun = 0;
  script("action", "a", () => void begun++);
  for (const delay of [0, 1, 50, 100, 150, 200, 400]) {
    begun = 0;
    const id = await startHandler(t, (step) =>
      step.runAction(steps.action, { name: "a" }, { retry: true }),
    );
    await advance(delay);
    await t.mutation(async (ctx) => {
      if (begun === 0) await client.cancel(ctx, components.workflow, id);
      await client.cleanup(ctx, components.workflow, id);
    });
    const before = begun;
    await drain();
    expect(begun, `after ${delay} ms`).toBe(before);
    await cleanup(t, id);
    await drain();
  }
  await expectGone(t);
});

describe("the result of an action whose run was cleaned up", () => {
  test("is ignored quietly, whether it succeeds or fails", async () => {
    for (const fails of [false, true]) {
      const t = newBackend();
      const { open, passed } = gate();
      script("action", "slow", async () => {
        await passed;
        if (fails) throw new Error("too late");
        return "too late";
      });
      const id = await startHandler(t, (step) =>
        Promise.race([
          step.runAction(steps.action, { name: "slow" }),
          step.sleep(10),
        ]),
      );
      await advance(A_WHILE);
      expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
      await cleanup(t, id);
      await advance(A_WHILE);
      open(null);
      await drain();
      await expectGone(t);
    }
  });

  test("sleeps, event waits and nested runs are dropped", async () => {
    const t = newBackend();
    script("handler", "child", async (step) => {
      await step.sleep(LATER);
    });
    const id = await startHandler(t, (step) =>
      Promise.race([
        step.sleep(LATER),
        step.awaitEvent({ name: "go", timeout: LATER }),
        child(step),
        step.sleep(10),
      ]),
    );
    await advance(A_WHILE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    await cleanup(t, id);
    expect(await counts(t)).toEqual({ workflows: 1, steps: 1 });
    await drain();
    await expectGone(t);
  });

  test("a step of a run that cleans itself up has its writes kept", async () => {
    const t = newBackend();
    script("mutation", "vanish", async (ctx, id: WorkflowId) => {
      await ctx.db.insert("effects", { key: "vanish", value: "written" });
      await client.cancel(ctx, components.workflow, id);
      await client.cleanup(ctx, components.workflow, id);
    });
    await runToNothing(t);
    expect(await effects(t)).toEqual(["written"]);
    await expectGone(t);
  });

  async function runToNothing(t: Backend) {
    await startHandler(t, (step) =>
      step.runMutation(steps.mutation, {
        name: "vanish",
        input: step.workflowId,
      }),
    );
    await drain();
  }
});

describe("a cleanup", () => {
  test("may be asked for by the manager, from an action and from another workflow", async () => {
    const t = newBackend();
    const one = await runHandler(t, async () => 1);
    const two = await runHandler(t, async () => 2);
    expect(await t.action((ctx) => manager.cleanup(ctx, one.workflowId))).toBe(
      true,
    );
    const other = await runHandler(t, (step) =>
      manager.cleanup(step, two.workflowId),
    );
    expect(other.status).toEqual(completed(true));
    expect(await rows(t, "workflows")).toHaveLength(1);
  });

  test("by force cancels a running run first, with its onComplete", async () => {
    const t = newBackend();
    const ends: string[] = [];
    const workflowId = await startWithOnComplete(
      t,
      (step) => step.sleep(LATER),
      (_ctx, { result }) => void ends.push(result.kind),
    );
    const deleted = await t.mutation((ctx) =>
      ctx.runMutation(components.workflow.workflow.cleanup, {
        workflowId,
        force: true,
      }),
    );
    expect(deleted).toBe(true);
    expect(ends).toEqual(["canceled"]);
    await drain();
    await expectGone(t);
  });

  test.each([{ startAsync: false }, { startAsync: true }])(
    "by force leaves a run that its own onComplete restarts ($startAsync)",
    async (options) => {
      const t = newBackend();
      let ends = 0;
      const workflowId = await startWithOnComplete(
        t,
        async (step) => {
          await step.sleep(LATER);
          return "slept";
        },
        async (ctx, run) => {
          if (ends++ === 0)
            await client.restart(
              ctx,
              components.workflow,
              run.workflowId,
              options,
            );
        },
      );
      const deleted = await t.mutation((ctx) =>
        ctx.runMutation(components.workflow.workflow.cleanup, {
          workflowId,
          force: true,
        }),
      );
      expect(deleted).toBe(false);
      await drain();
      expect(await statusOf(t, workflowId)).toEqual(completed("slept"));
    },
  );

  test("that 0.4 began continues from where it stopped", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 600 });
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await callInternal(t, internal.workflow.cleanupContinue, {
      workflowId: id,
      fromStepNumber: 100,
    });
    await drain();
    const left = await rows(t, "steps");
    expect(left.map(({ stepNumber }) => stepNumber)).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
  });

  test("between the transactions of a cancellation and a restart leaves nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      Promise.all([step.sleep(LATER), child(step)]),
    );
    script("handler", "child", (step) => step.sleep(LATER));
    await advance(A_WHILE);
    await cancel(t, id);
    await restart(t, id, { startAsync: true });
    await cancel(t, id);
    await cleanup(t, id);
    await drain();
    await expectGone(t);
  });
});
