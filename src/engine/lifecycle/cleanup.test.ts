import { describe, expect, test } from "vitest";
import {
  callInternal,
  cancel,
  cleanup,
  insertRun,
  insertSteps,
  jobs,
  restart,
  rowCounts,
  startWithOnComplete,
} from "../../testing/managing.js";
import {
  A_WHILE,
  act,
  child,
  echo,
  LATER,
  times,
  useQuietConsole,
} from "../../testing/scenes.js";
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
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { internal } from "../../component/_generated/api.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

useBackend();
const heard = useQuietConsole();

const { workflow } = components;
const success = { kind: "success" as const, returnValue: null };

type OnEnd = Parameters<typeof startWithOnComplete>[2];
const cleansUp: OnEnd = (ctx, { workflowId }) =>
  client.cleanup(ctx, workflow, workflowId);

type Insert = (t: Backend, id: WorkflowId) => Promise<unknown>;

async function expectGone(t: Backend) {
  expect(await rowCounts(t)).toEqual({});
  expect(await jobs(t)).toEqual([]);
}

describe("cleanup deletes a finished run", () => {
  test("that completed, failed or was canceled, and its steps, but no other run", async () => {
    const t = newBackend();
    const other = await runHandler(t, (step) => echo(step, "other"));
    const one = await runHandler(t, async (step) => {
      await echo(step, 1);
      await step.sleep(10);
    });
    const two = await runHandler(t, () => Promise.reject(new Error("no")));
    const canceled = await startHandler(t, (step) => step.sleep(LATER));
    await cancel(t, canceled);
    for (const id of [one.workflowId, two.workflowId, canceled]) {
      expect(await cleanup(t, id)).toBe(true);
      await expect(statusOf(t, id)).rejects.toThrow(
        `Workflow not found: ${id}`,
      );
    }
    await drain();
    expect(await rowCounts(t)).toEqual({ workflows: 1, steps: 1 });
    expect(await statusOf(t, other.workflowId)).toEqual(other.status);
    expect(await jobs(t)).toEqual([]);
  });

  test("with all its events, whether consumed, sent, created or never awaited", async () => {
    const t = newBackend();
    const waits = (step: WorkflowCtx) => step.awaitEvent({ name: "go" });
    const other = await startHandler(t, waits);
    const id = await startHandler(t, waits, { name: "second" });
    await create(t, id, "created");
    await create(t, id, "go");
    const sent = await create(t, id, "sent");
    await send(t, { id: sent, value: 1 });
    await send(t, { name: "never awaited", workflowId: id });
    await send(t, { name: "go", workflowId: id });
    await drain();
    expect(await rowCounts(t)).toMatchObject({ events: 6 });
    await cleanup(t, id);
    expect((await rows(t, "events")).map((row) => row.workflowId)).toEqual([
      other,
    ]);
    expect(heard.takeNote()).toHaveLength(1);
  });
});

test.each<[string, Insert, object | undefined]>([
  [
    "5,000 steps, 256 at a time,",
    (t, id) => insertSteps(t, id, { from: 0, to: 5000 }),
    { steps: 5000 - 256 },
  ],
  [
    "600 events that were never awaited",
    (t, id) =>
      inComponent(t, async (ctx) => {
        for (let count = 0; count < 600; count++)
          await ctx.db.insert("events", {
            workflowId: id as never,
            name: `event ${count}`,
            state: { kind: "sent", sentAt: 0, result: success },
          });
      }),
    { events: expect.any(Number) as number },
  ],
  [
    "steps of a megabyte each",
    async (t, id) => {
      const value = "x".repeat(900_000);
      for (let from = 0; from < 40; from += 10)
        await insertSteps(t, id, { from, to: from + 10 }, () => ({
          step: { args: { value } },
        }));
    },
    undefined,
  ],
  [
    "600 nested runs",
    async (t, id) => {
      const children: WorkflowId[] = [];
      for (let count = 0; count < 600; count++)
        children.push(await insertRun(t, { runResult: success }));
      await insertSteps(t, id, { from: 0, to: 600 }, (stepNumber) => ({
        step: {
          kind: "workflow",
          workflowId: children[stepNumber],
          functionType: undefined,
        } as never,
      }));
    },
    { workflows: expect.any(Number) as number },
  ],
])(
  "%s are deleted in several transactions, each within its limits",
  async (_what, insert, left) => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t, { runResult: success });
    await insert(t, id);
    expect(await cleanup(t, id)).toBe(true);
    if (left) expect(await rowCounts(t)).toMatchObject(left);
    await drain();
    await expectGone(t);
  },
);

test("cleanup returns false and changes nothing if the run is in progress, due or already deleted", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async () => 1);
  await cleanup(t, workflowId);
  const waiting = await startHandler(t, (step) => step.sleep(LATER));
  const due = await startHandler(t, async () => 1, { startAsync: true });
  const before = await everyRow(t);
  for (const id of [waiting, due, workflowId])
    expect(await cleanup(t, id)).toBe(false);
  expect(await everyRow(t)).toEqual(before);
});

test.each([
  ["success", "in the caller's transaction"],
  ["success", "after a step"],
  ["failed", "after a step"],
  ["canceled", "after a step"],
] as const)(
  "cleanup by the onComplete of a run that ends as %s %s leaves nothing",
  async (end, when) => {
    const t = newBackend();
    const seen: unknown[] = [];
    const id = await startWithOnComplete(
      t,
      async (step) => {
        if (when === "after a step") await echo(step, 1);
        if (end === "failed") throw new Error("no");
        if (end === "canceled") await step.sleep(LATER);
      },
      async (ctx, { workflowId, result }) => {
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

describe.each(["driver", "pool"] as const)(
  "%s: steps in flight when the run is cleaned up",
  (execution) => {
    test("still run and are retried if they are mutations, queries or actions, now or later", async () => {
      const t = newBackend({ execution });
      const ran: string[] = [];
      const failing = (kind: string, failures: number) => {
        let attempts = 0;
        return (_ctx: unknown, input?: number) => {
          ran.push(input === undefined ? kind : `${kind} ${input}`);
          if (attempts++ < failures) throw new Error("not yet");
        };
      };
      script("query", "q", failing("query", 0));
      script("action", "a", failing("action", 0));
      script("action", "recovers", failing("recovers", 2));
      script("action", "fails", failing("fails", 9));
      const retry = { maxAttempts: 4, initialBackoffMs: 1000, base: 2 };
      await startWithOnComplete(
        t,
        async (step) => {
          const left = [0, LATER].flatMap((runAfter) => {
            const call = (name: string) => ({ name, input: runAfter });
            return [
              echo(step, `mutation ${runAfter}`, { runAfter }),
              step.runQuery(steps.query, call("q"), { runAfter }),
              step.runAction(steps.action, call("a"), { runAfter }),
            ];
          });
          await Promise.race([
            echo(step, "winner"),
            ...left,
            act(step, "recovers", { retry }),
            act(step, "fails", { retry }),
          ]);
        },
        cleansUp,
      );
      await drain();
      expect((await effects(t)).sort()).toEqual([
        "mutation 0",
        `mutation ${LATER}`,
        "winner",
      ]);
      expect(ran.sort()).toEqual([
        "action 0",
        `action ${LATER}`,
        ...times(4, () => "fails"),
        "query 0",
        `query ${LATER}`,
        ...times(3, () => "recovers"),
      ]);
      await expectGone(t);
    });

    test("still runs if the last turn issued it", async () => {
      const t = newBackend({ execution });
      await startWithOnComplete(
        t,
        async (step) => {
          await step.runQuery(steps.echoQuery, { value: 1 });
          void echo(step, "last");
        },
        cleansUp,
      );
      await drain();
      expect(await effects(t)).toEqual(["last"]);
      await expectGone(t);
    });

    test("run once, but the run is no longer visible", async () => {
      const t = newBackend({ execution });
      const id = await startHandler(t, (step) =>
        Promise.race([
          echo(step, "late", { runAfter: LATER }),
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
      expect(heard.takeNote()).toHaveLength(1);
      expect(await rows(t, "events")).toEqual([]);
      await drain();
      expect(await effects(t)).toEqual(["late"]);
      await expectGone(t);
    });

    test("still run by the hundreds, while children, sleeps and waits are dropped", async () => {
      const t = newBackend({ execution, transactionLimits: true });
      script("handler", "child", (step) =>
        echo(step, "child", { runAfter: LATER }),
      );
      const id = await startHandler(t, async (step) => {
        for (let value = 0; value < 150; value++) {
          void echo(step, value, { runAfter: LATER });
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
        times(150, (value) => value),
      );
      await expectGone(t);
    });
  },
);

test("a cleanup doesn't cancel a nested run that has ended, so its remaining steps still run", async () => {
  const t = newBackend();
  script("handler", "child", async (step) => {
    void echo(step, "late", { runAfter: LATER });
  });
  const id = await startHandler(t, (step) => child(step));
  await advance(A_WHILE);
  await cleanup(t, id);
  await drain();
  expect(await effects(t)).toEqual(["late"]);
  await expectGone(t);
});

test("if a run is canceled and cleaned up before its driver begins an action, the action never begins", async () => {
  const t = newBackend({ execution: "driver" });
  let begun = 0;
  script("action", "a", () => void begun++);
  for (const delay of [0, 1, 50, 100, 150, 200, 400]) {
    begun = 0;
    const id = await startHandler(t, (step) => act(step, "a", { retry: true }));
    await advance(delay);
    await t.mutation(async (ctx) => {
      if (begun === 0) await client.cancel(ctx, workflow, id);
      await client.cleanup(ctx, workflow, id);
    });
    const before = begun;
    await drain();
    expect(begun, `after ${delay} ms`).toBe(before);
    await cleanup(t, id);
    await drain();
  }
  await expectGone(t);
});

describe("a cleanup by force", () => {
  const force = (t: Backend, workflowId: WorkflowId) =>
    t.mutation((ctx) =>
      ctx.runMutation(workflow.workflow.cleanup, { workflowId, force: true }),
    );

  test("cancels a run in progress first and calls its onComplete", async () => {
    const t = newBackend();
    const ends: string[] = [];
    const workflowId = await startWithOnComplete(
      t,
      (step) => step.sleep(LATER),
      (_ctx, { result }) => void ends.push(result.kind),
    );
    expect(await force(t, workflowId)).toBe(true);
    expect(ends).toEqual(["canceled"]);
    await drain();
    await expectGone(t);
  });

  test.each([{ startAsync: false }, { startAsync: true }])(
    "keeps a run that its own onComplete restarts ($startAsync)",
    async (options) => {
      const t = newBackend();
      let ends = 0;
      const workflowId = await startWithOnComplete(
        t,
        (step) => step.sleep(LATER).then(() => "slept"),
        async (ctx, ended) => {
          if (ends++ === 0)
            await client.restart(ctx, workflow, ended.workflowId, options);
        },
      );
      expect(await force(t, workflowId)).toBe(false);
      await drain();
      expect(await statusOf(t, workflowId)).toEqual(completed("slept"));
    },
  );
});

test("a cleanup that 0.4 began continues from where it stopped", async () => {
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
    times(100, (index) => index),
  );
});
