import { describe, expect, test } from "vitest";
import {
  advance,
  components,
  drain,
  endings,
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
  type Backend,
} from "../../testing/harness.js";
import {
  cancel,
  cleanup,
  gate,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { internal } from "../../testing/app/_generated/api.js";
import { internal as componentInternal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import {
  findByKey,
  recover,
  restart as restartWith,
  restartMany,
  sendEvent,
  start,
  type RunStartOptions,
} from "../../client/index.js";

useBackend();
listenToConsole();

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const component = components.workflow;
const { definitions } = internal;

/** Starts a run of what is scripted as `main`. */
const startMain = (
  t: Backend,
  options: RunStartOptions & { onComplete?: unknown; context?: unknown } = {},
) =>
  t.mutation((ctx) =>
    start(ctx, workflows.workflow, { handler: "main" }, options as never),
  );

/** Scheduled functions of the component that are still to run. */
const pending = (t: Backend) =>
  inComponent(t, async (ctx) => {
    const all = await ctx.db.system.query("_scheduled_functions").collect();
    return all.filter(({ state }) => state.kind === "pending");
  });

/** As an operator does. */
async function cancelScheduled(t: Backend) {
  const all = await pending(t);
  await inComponent(t, async (ctx) => {
    for (const { _id } of all) await ctx.scheduler.cancel(_id);
  });
}

const recoverAll = (t: Backend) => t.action((ctx) => recover(ctx, component));

const exists = async (t: Backend, id: string) =>
  (await rows(t, "workflows")).some(({ _id }) => _id === id);

describe("a deadline", () => {
  const timedOut = {
    type: "failed",
    error: expect.stringMatching(
      /timed out: it did not end within 60000 ms\.$/,
    ) as string,
  };

  test("fails a run that has not ended, cancels what is in flight, and calls onComplete once", async () => {
    const t = newBackend();
    let executed = 0;
    script("action", "count", async () => ++executed);
    script("handler", "child", (step) => step.sleep(DAY));
    script("handler", "main", async (step) => {
      const args = { name: "count" };
      await Promise.all([
        step.sleep(DAY),
        step.awaitEvent({ name: "never" }),
        step.runWorkflow(workflows.workflow, { handler: "child" }),
        step.runAction(steps.action, args, { runAfter: 2 * MINUTE }),
      ]);
    });
    const onComplete = steps.ended;
    const options = { timeout: MINUTE, onComplete, context: "mine" };
    const id = await startMain(t, options);
    await advance(59_000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2000);
    expect(await statusOf(t, id)).toEqual(timedOut);
    await drain();
    expect(executed).toBe(0);
    const [child] = (await rows(t, "workflows")).filter(({ parent }) => parent);
    expect(child!.runResult).toEqual({ kind: "canceled" });
    expect(await endings(t)).toMatchObject([
      { workflowId: id, result: { kind: "failed" }, context: "mine" },
    ]);
    expect(await rows(t, "tasks")).toEqual([]);
    expect(await pending(t)).toEqual([]);
    await cleanup(t, id);
    await drain();
    for (const table of ["workflows", "steps", "events"] as const)
      expect(await rows(t, table)).toEqual([]);
  });

  test("is withdrawn with the end of its run", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.sleep(MINUTE / 2));
    const id = await startMain(t, { timeout: MINUTE });
    await advance(MINUTE / 2 + 1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await rows(t, "tasks")).toEqual([]);
    expect(await pending(t)).toEqual([]);
  });

  test("is withdrawn when the run is canceled", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.sleep(DAY));
    await cancel(t, await startMain(t, { timeout: MINUTE }));
    expect(await rows(t, "tasks")).toEqual([]);
    expect(await pending(t)).toEqual([]);
  });

  test("begins anew with a restart, which repeats what was in flight", async () => {
    const t = newBackend();
    let executed = 0;
    script("mutation", "count", async () => ++executed);
    script("handler", "main", async (step) => {
      await step.runMutation(steps.mutation, { name: "count" });
      await step.sleep(90_000);
    });
    const id = await startMain(t, { timeout: MINUTE });
    await advance(MINUTE + 1000);
    expect(await statusOf(t, id)).toEqual(timedOut);
    await restart(t, id);
    await advance(59_000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2000);
    expect(await statusOf(t, id)).toEqual(timedOut);
    expect(executed).toBe(1);
  });

  test("that the end of its run has overtaken changes nothing", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const workflowId = (await startMain(t, {
      timeout: MINUTE,
    })) as string as Id<"workflows">;
    const before = await rows(t, "workflows");
    expect(before).toMatchObject([{ runResult: { kind: "success" } }]);
    await inComponent(t, (ctx) =>
      ctx.runMutation(componentInternal.ending.timeOut, {
        workflowId,
        generationNumber: 0,
      }),
    );
    expect(await rows(t, "workflows")).toEqual(before);
  });

  test("that was canceled in the dashboard comes back with recover, at its time", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.awaitEvent({ name: "never" }));
    const id = await startMain(t, { timeout: 10 * MINUTE });
    await cancelScheduled(t);
    expect(await recoverAll(t)).toBe(1);
    await advance(9 * MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(MINUTE + 1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
  });

  test("of a nested run is its definition's, and reaches the parent as a TimeoutError", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      try {
        await step.runWorkflow(definitions.timesOut, {});
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({
      result: expect.stringMatching(/^TimeoutError: .*1000 ms/) as string,
    });
  });

  test("counts from now if runAt has passed", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.awaitEvent({ name: "never" }));
    const runAt = Date.now() - DAY;
    const id = await startMain(t, { runAt, timeout: MINUTE });
    await advance(MINUTE - 1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2000);
    expect(await statusOf(t, id)).toEqual(timedOut);
  });

  test("that start names wins over the definition's", async () => {
    const t = newBackend();
    const started = (options: RunStartOptions) =>
      t.mutation((ctx) => start(ctx, definitions.timesOut, {}, options));
    const short = await started({});
    const long = await started({ timeout: DAY });
    await advance(MINUTE);
    expect(await statusOf(t, short)).toMatchObject({ type: "failed" });
    expect(await statusOf(t, long)).toMatchObject({ type: "inProgress" });
  });
});

describe("a run that starts later", () => {
  const countTurns = () => {
    const counted = { turns: 0 };
    script("handler", "main", async () => ++counted.turns);
    return counted;
  };

  test.each<[string, () => RunStartOptions]>([
    ["runAfter", () => ({ runAfter: 5 * MINUTE })],
    ["runAt", () => ({ runAt: Date.now() + 5 * MINUTE })],
  ])("exists at once and takes its first turn then: %s", async (_, options) => {
    const t = newBackend();
    const counted = countTurns();
    const id = await startMain(t, options());
    await advance(5 * MINUTE - 1000);
    expect(counted.turns).toBe(0);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2000);
    expect(await statusOf(t, id)).toMatchObject({ result: 1 });
    await drain();
    expect(counted.turns).toBe(1);
  });

  test("can be canceled before, and then never begins", async () => {
    const t = newBackend();
    const counted = countTurns();
    const id = await startMain(t, { runAfter: 5 * MINUTE });
    await cancel(t, id);
    expect(await pending(t)).toEqual([]);
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect(counted.turns).toBe(0);
  });

  test("keeps events that come before, and has its deadline from then on", async () => {
    const t = newBackend();
    script("handler", "main", async (step) => {
      await step.awaitEvent({ name: "early" });
      await step.sleep(DAY);
    });
    const options = { runAfter: 5 * MINUTE, timeout: MINUTE };
    const id = await startMain(t, options);
    await t.mutation((ctx) =>
      sendEvent(ctx, component, { workflowId: id, name: "early" }),
    );
    await advance(5 * MINUTE + 59_000);
    expect(await statusOf(t, id)).toMatchObject({
      type: "inProgress",
      running: [{ kind: "sleep" }],
    });
    await advance(2000);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
  });

  test("that was canceled in the dashboard comes back with recover, at its time", async () => {
    const t = newBackend();
    const counted = countTurns();
    const id = await startMain(t, { runAfter: 5 * MINUTE });
    await cancelScheduled(t);
    expect(await recoverAll(t)).toBe(1);
    await advance(4 * MINUTE);
    expect(counted.turns).toBe(0);
    await advance(MINUTE + 1000);
    expect(await statusOf(t, id)).toMatchObject({ result: 1 });
  });
});

describe("retention", () => {
  test("cleans a run up that long after its end, with all its rows", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.sleep(1000));
    const id = await startMain(t, { retention: { completed: DAY } });
    await advance(DAY);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    await advance(2000);
    for (const table of ["workflows", "steps", "tasks"] as const)
      expect(await rows(t, table)).toEqual([]);
    expect(await pending(t)).toEqual([]);
  });

  test.each(["failed", "canceled"] as const)(
    "differs by how the run ended: %s",
    async (end) => {
      const t = newBackend();
      script("handler", "main", async (step) => {
        await step.sleep(1000);
        throw new Error("no");
      });
      const retention = { completed: DAY, [end]: MINUTE };
      const id = await startMain(t, { retention });
      if (end === "canceled") await cancel(t, id);
      await advance(3000);
      expect(await statusOf(t, id)).toMatchObject({ type: end });
      await advance(MINUTE);
      expect(await exists(t, id)).toBe(false);
    },
  );

  test("is withdrawn by a restart, and begins anew with the next end", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.sleep(MINUTE));
    const id = await startMain(t, { retention: { completed: DAY } });
    await advance(DAY);
    await restart(t, id, { from: 0 });
    await advance(DAY);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    await advance(2 * MINUTE);
    expect(await exists(t, id)).toBe(false);
  });

  test("that was canceled in the dashboard comes back with recover, at its time", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await startMain(t, { retention: { completed: DAY } });
    await cancelScheduled(t);
    await advance(MINUTE);
    expect(await recoverAll(t)).toBe(1);
    await advance(DAY - 2 * MINUTE);
    expect(await exists(t, id)).toBe(true);
    await advance(2 * MINUTE);
    expect(await exists(t, id)).toBe(false);
  });

  test("never takes a nested run from its parent, and takes both at the parent's time", async () => {
    const t = newBackend();
    script("handler", "main", async (step) => {
      await step.runWorkflow(definitions.expires, {});
      await step.sleep(DAY);
    });
    const id = await startMain(t, { retention: { completed: DAY } });
    await advance(DAY - MINUTE);
    expect(await rows(t, "workflows")).toHaveLength(2);
    await advance(DAY + 2 * MINUTE);
    expect(await exists(t, id)).toBe(false);
    await drain();
    expect(await rows(t, "workflows")).toEqual([]);
  });

  test("is the definition's where start doesn't say, for each way of ending", async () => {
    const t = newBackend();
    const id = await t.mutation((ctx) =>
      start(ctx, definitions.expires, {}, { retention: { failed: 1 } }),
    );
    await advance(500);
    expect(await exists(t, id)).toBe(true);
    await advance(2000);
    expect(await exists(t, id)).toBe(false);
  });
});

describe("what is due in longer than a timer lasts", () => {
  const YEARS = 6 * 365 * DAY;

  test("a deadline holds at its time", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.awaitEvent({ name: "never" }));
    const id = await startMain(t, { timeout: YEARS });
    await advance(YEARS - MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2 * MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await rows(t, "tasks")).toEqual([]);
    expect(await pending(t)).toEqual([]);
  });

  test("a run is cleaned up at its time", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await startMain(t, { retention: { completed: YEARS } });
    await advance(YEARS - MINUTE);
    expect(await exists(t, id)).toBe(true);
    await advance(2 * MINUTE);
    expect(await exists(t, id)).toBe(false);
    expect(await pending(t)).toEqual([]);
  });

  test("a later run begins at its time, also if somebody canceled its function meanwhile", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await startMain(t, { runAfter: YEARS });
    await advance(100 * DAY);
    const [turn] = (await pending(t)).filter(({ name }) =>
      name.endsWith("take"),
    );
    await inComponent(t, (ctx) => ctx.scheduler.cancel(turn!._id));
    await advance(YEARS - 101 * DAY);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(DAY + MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await pending(t)).toEqual([]);
  });
});

describe("a key", () => {
  const withKey = (t: Backend, more: RunStartOptions = {}) =>
    startMain(t, { key: "order 1", ...more });
  const find = (t: Backend) =>
    t.query((ctx) => findByKey(ctx, component, workflows.workflow, "order 1"));
  const waitForEvent = () =>
    script("handler", "main", (step) => step.awaitEvent({ name: "go" }));

  test("belongs to one run in progress: a second start returns it", async () => {
    const t = newBackend();
    waitForEvent();
    const id = await withKey(t);
    expect(await withKey(t)).toBe(id);
    expect(await withKey(t, { ifRunning: "return" })).toBe(id);
    expect(await find(t)).toBe(id);
    expect(await startMain(t, { key: "order 2" })).not.toBe(id);
    expect(await rows(t, "workflows")).toHaveLength(2);
  });

  test("belongs to its workflow: another workflow has its own", async () => {
    const t = newBackend();
    waitForEvent();
    const id = await withKey(t);
    await t.mutation((ctx) =>
      start(ctx, definitions.timesOut, {}, { key: "order 1" }),
    );
    expect(await find(t)).toBe(id);
    expect(await rows(t, "workflows")).toHaveLength(2);
  });

  test("is free again once its run has ended", async () => {
    const t = newBackend();
    waitForEvent();
    const id = await withKey(t);
    await cancel(t, id);
    expect(await find(t)).toBe(null);
    expect(await withKey(t, { ifRunning: "throw" })).not.toBe(id);
  });

  test("that another run has by now keeps its earlier run from being restarted", async () => {
    const t = newBackend();
    waitForEvent();
    const ended = await withKey(t);
    await cancel(t, ended);
    const id = await withKey(t);
    await expect(restart(t, ended)).rejects.toMatchObject({
      data: { code: "WORKFLOW_RUNNING", workflowId: id },
    });
    const many = { status: "canceled" } as const;
    expect(
      await t.mutation((ctx) => restartMany(ctx, component, many)),
    ).toMatchObject({ done: 0 });
    expect(await statusOf(t, ended)).toEqual({ type: "canceled" });
    await cancel(t, id);
    await restart(t, ended);
    expect(await find(t)).toBe(ended);
  });

  test("is refused while its run is in progress, with a code, if asked for", async () => {
    const t = newBackend();
    waitForEvent();
    const id = await withKey(t);
    await expect(withKey(t, { ifRunning: "throw" })).rejects.toMatchObject({
      data: { code: "WORKFLOW_RUNNING", workflowId: id },
      message: expect.stringContaining('with the key "order 1"') as string,
    });
    expect(await rows(t, "workflows")).toHaveLength(1);
  });

  test("goes to the run that replaces the one that has it, whose action finishes unheard", async () => {
    const t = newBackend();
    const action = gate();
    script("action", "slow", () => action.passed.then(() => "old"));
    let isNew = false;
    script("handler", "main", async (step) =>
      isNew ? "new" : await step.runAction(steps.action, { name: "slow" }),
    );
    const old = await withKey(t);
    await advance(1000);
    isNew = true;
    const next = await withKey(t, { ifRunning: "replace" });
    action.open(undefined);
    await drain();
    expect(await statusOf(t, old)).toEqual({ type: "canceled" });
    expect(await statusOf(t, next)).toMatchObject({ result: "new" });
    const [row] = await journal(t, old);
    expect(row!.step.runResult).toBeUndefined();
  });

  test("holds among starts of one transaction, and of a handler", async () => {
    const t = newBackend();
    waitForEvent();
    const args = { handler: "main" };
    const ids = await t.mutation(async (ctx) => [
      await start(ctx, workflows.workflow, args, { key: "order 1" }),
      await start(ctx, workflows.workflow, args, {
        key: "order 1",
        startAsync: true,
      }),
    ]);
    const starter = await startHandler(
      t,
      (step) => start(step, workflows.workflow, args, { key: "order 1" }),
      { name: "starter" },
    );
    await drain();
    expect(ids[1]).toBe(ids[0]);
    expect(await statusOf(t, starter)).toMatchObject({ result: ids[0] });
  });
});

describe("restart from the failure", () => {
  const fromFailure = (t: Backend, id: string) =>
    t.mutation((ctx) => restartWith(ctx, component, id, { fromFailure: true }));

  test("runs the last failed step again and keeps what came before, where a plain restart fails again", async () => {
    const t = newBackend();
    let isBroken = true;
    let executed = 0;
    script("mutation", "first", async () => ++executed);
    script("action", "pay", async () => {
      if (isBroken) throw new Error("declined");
      return "paid";
    });
    script("handler", "main", async (step) => {
      await step.runMutation(steps.mutation, { name: "first" });
      await step.runAction(steps.action, { name: "pay" }).catch(() => "-");
      return await step.runAction(steps.action, { name: "pay" });
    });
    const id = await startMain(t);
    await drain();
    isBroken = false;
    await restart(t, id);
    await drain();
    const failed = { type: "failed", error: "declined" };
    expect(await statusOf(t, id)).toEqual(failed);
    await fromFailure(t, id);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "paid" });
    expect(executed).toBe(1);
    const kinds = (await journal(t, id)).map(({ step }) => step.runResult);
    expect(kinds).toMatchObject([
      { kind: "success" },
      { kind: "failed" },
      { kind: "success" },
    ]);
  });

  test("is refused if no step failed, or with from, and changes nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, async () => {
      throw new Error("mine");
    });
    await drain();
    const before = await rows(t, "workflows");
    await expect(fromFailure(t, id)).rejects.toThrow(
      /from its failure: none of its steps failed\./,
    );
    const both = { from: 0, fromFailure: true };
    await expect(
      t.mutation((ctx) => restartWith(ctx, component, id, both)),
    ).rejects.toThrow(/of restart: from and fromFailure exclude each other/);
    await expect(
      t.mutation((ctx) => restartMany(ctx, component, both)),
    ).rejects.toThrow(/restartMany: from and fromFailure exclude each other/);
    expect(await rows(t, "workflows")).toEqual(before);
  });
});

test.each<[RunStartOptions, RegExp]>([
  [{ timeout: -1 }, /timeout is -1\. Expected milliseconds from 0\.$/],
  [{ timeout: NaN }, /timeout is NaN\./],
  [{ runAfter: Infinity }, /runAfter is Infinity\./],
  [{ retention: { completed: -5 } }, /retention\.completed is -5\./],
  [{ retention: { done: 5 } as never }, /there is no option "done"/],
  [{ runAt: 1, runAfter: 1 } as never, /exclude each other/],
  [{ key: "" }, /the key "" has 0 characters\. Expected 1 to 1024\.$/],
  [{ key: "x".repeat(1025) }, /has 1025 characters/],
  [{ ifRunning: "throw" }, /ifRunning needs a key\.$/],
  [
    { key: "a", ifRunning: "queue" as never },
    /ifRunning is "queue"\. Expected "return", "throw" or "replace"\.$/,
  ],
  [{ key: 5 as never }, /the key is 5\. Expected a string\.$/],
  [{ key: null as never }, /the key is null\. Expected a string\.$/],
  [{ timeout: "5" as never }, /timeout is "5"\. Expected milliseconds/],
])("start refuses %j, and starts nothing", async (options, error) => {
  const t = newBackend();
  script("handler", "main", async () => 1);
  await expect(startMain(t, options)).rejects.toThrow(error);
  expect(await rows(t, "workflows")).toEqual([]);
});
