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
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import {
  act,
  cancelPending,
  child,
  echo,
  pending,
  recoverAll,
} from "../../testing/scenes.js";
import { internal } from "../../testing/app/_generated/api.js";
import { internal as componentInternal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { WorkflowId } from "../../client/index.js";
import {
  restart as restartWith,
  sendEvent,
  start,
  type RunStartOptions,
} from "../../client/index.js";
import { DAY, MINUTE } from "../../testing/units.js";

useBackend();
listenToConsole();

const component = components.workflow;
const { definitions } = internal;

/** Starts a run of the script `main`. */
const startMain = (
  t: Backend,
  options: RunStartOptions & { onComplete?: unknown; context?: unknown } = {},
) =>
  t.mutation((ctx) =>
    start(ctx, workflows.workflow, { handler: "main" }, options as never),
  );

const stateOf = async (t: Backend, id: WorkflowId) =>
  (await rows(t, "workflows")).some(({ _id }) => _id === (id as string))
    ? (await statusOf(t, id)).type
    : "gone";

const scriptNever = () =>
  script("handler", "main", (step) => step.awaitEvent({ name: "never" }));

/** Returns how many turns the run has begun. */
function scriptDone() {
  let turns = 0;
  script("handler", "main", async (step) => {
    turns++;
    await echo(step, 1);
  });
  return () => turns;
}

async function expectNothingDue(t: Backend) {
  expect(await rows(t, "tasks")).toEqual([]);
  expect(await pending(t)).toEqual([]);
}

describe.each([
  ["a deadline", (timeout: number) => ({ timeout }), "inProgress", "failed"],
  [
    "a later start",
    (runAfter: number) => ({ runAfter }),
    "inProgress",
    "completed",
  ],
  [
    "a later start by runAt",
    (ms: number) => ({ runAt: Date.now() + ms }),
    "inProgress",
    "completed",
  ],
  [
    "the cleanup of a run that completed",
    (completed: number) => ({ retention: { completed } }),
    "completed",
    "gone",
  ],
])("%s", (what, optionsFor, before, after) => {
  const FEW = 10 * MINUTE;
  // A single timer can't last this long.
  const YEARS = 6 * 365 * DAY;

  test.each([
    ["comes at its time", FEW],
    ["comes at its time, though no timer lasts that long", YEARS],
    ["comes back at its time with recover if all was canceled", FEW],
    ["comes at its time though somebody canceled its function", YEARS],
  ])("%s", async (title, ms) => {
    const t = newBackend();
    const turns = scriptDone();
    if (what === "a deadline") scriptNever();
    const id = await startMain(t, optionsFor(ms));
    const beganAt = Date.now();
    await advance(MINUTE);
    if (title.includes("with recover")) {
      await cancelPending(t);
      expect(await recoverAll(t)).toBe(1);
    }
    if (title.includes("canceled its function")) {
      await advance(100 * DAY);
      expect(await cancelPending(t, /:(take|perform)$/)).toBe(1);
    }
    await advance(beganAt + ms - Date.now() - 1000);
    expect(await stateOf(t, id)).toBe(before);
    if (what.includes("start")) expect(turns()).toBe(0);
    await advance(3000);
    expect(await stateOf(t, id)).toBe(after);
    await drain();
    expect(turns()).toBe(what === "a deadline" ? 0 : 2);
    if (after === "gone") expect(await rows(t, "steps")).toEqual([]);
    await expectNothingDue(t);
  });
});

describe("a deadline", () => {
  const timedOut = {
    type: "failed",
    error: expect.stringMatching(
      /timed out: it did not end within 60000 ms\.$/,
    ) as string,
  };

  test("fails a run in progress, cancels its steps in flight, and calls onComplete once", async () => {
    const t = newBackend();
    let executed = 0;
    script("action", "count", async () => ++executed);
    script("handler", "child", (step) => step.sleep(DAY));
    script("handler", "main", async (step) => {
      await Promise.all([
        step.sleep(DAY),
        step.awaitEvent({ name: "never" }),
        child(step),
        act(step, "count", { runAfter: 2 * MINUTE }),
      ]);
    });
    const onComplete = steps.ended;
    const options = { timeout: MINUTE, onComplete, context: "mine" };
    const id = await startMain(t, options);
    await advance(59_000);
    expect(await stateOf(t, id)).toBe("inProgress");
    await advance(2000);
    expect(await statusOf(t, id)).toEqual(timedOut);
    await drain();
    expect(executed).toBe(0);
    const [nested] = (await rows(t, "workflows")).filter((run) => run.parent);
    expect(nested!.runResult).toEqual({ kind: "canceled" });
    expect(await endings(t)).toMatchObject([
      { workflowId: id, result: { kind: "failed" }, context: "mine" },
    ]);
    await expectNothingDue(t);
    await cleanup(t, id);
    await drain();
    for (const table of ["workflows", "steps", "events"] as const)
      expect(await rows(t, table)).toEqual([]);
  });

  test("is withdrawn when its run ends or is canceled", async () => {
    const t = newBackend();
    script("handler", "main", (step) => step.sleep(MINUTE / 2));
    const id = await startMain(t, { timeout: MINUTE });
    await cancel(t, await startMain(t, { timeout: MINUTE }));
    await advance(MINUTE / 2 + 1000);
    expect(await stateOf(t, id)).toBe("completed");
    await expectNothingDue(t);
  });

  test("starts again with a restart, which repeats the steps in flight", async () => {
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
    expect(await stateOf(t, id)).toBe("inProgress");
    await advance(2000);
    expect(await statusOf(t, id)).toEqual(timedOut);
    expect(executed).toBe(1);
  });

  test("that fires after the run's end changes nothing", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const workflowId = (await startMain(t, {
      timeout: MINUTE,
    })) as string as Id<"workflows">;
    const before = await rows(t, "workflows");
    expect(before).toMatchObject([{ runResult: { kind: "success" } }]);
    await inComponent(t, async (ctx) => {
      const args = { workflowId, generationNumber: 0 };
      const taskId = await ctx.db.insert("tasks", { kind: "timeOut", args });
      await ctx.runMutation(componentInternal.turns.perform, { taskId });
    });
    expect(await rows(t, "workflows")).toEqual(before);
  });

  test("of a nested run comes from its definition, and reaches the parent as a TimeoutError", async () => {
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
    scriptNever();
    const runAt = Date.now() - DAY;
    const id = await startMain(t, { runAt, timeout: MINUTE });
    await advance(MINUTE - 1000);
    expect(await stateOf(t, id)).toBe("inProgress");
    await advance(2000);
    expect(await statusOf(t, id)).toEqual(timedOut);
  });
});

test("a timeout and a retention passed to start take precedence over the definition's", async () => {
  const t = newBackend();
  const [waiting, ended] = await t.mutation(async (ctx) => [
    await start(ctx, definitions.timesOut, {}, { timeout: DAY }),
    await start(
      ctx,
      definitions.expires,
      {},
      { retention: { completed: DAY } },
    ),
  ]);
  await advance(MINUTE);
  expect(await stateOf(t, waiting!)).toBe("inProgress");
  expect(await stateOf(t, ended!)).toBe("completed");
});

describe("a run that starts later", () => {
  test("never begins if it is canceled before", async () => {
    const t = newBackend();
    const turns = scriptDone();
    const id = await startMain(t, { runAfter: 5 * MINUTE });
    await cancel(t, id);
    expect(await pending(t)).toEqual([]);
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "canceled" });
    expect(turns()).toBe(0);
  });

  test("keeps events that arrive before, and its deadline counts from its start", async () => {
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
    expect(await stateOf(t, id)).toBe("failed");
  });
});

describe("retention", () => {
  test("never deletes a nested run before its parent, and deletes both together", async () => {
    const t = newBackend();
    script("handler", "main", async (step) => {
      await step.runWorkflow(definitions.expires, {});
      await step.sleep(DAY);
    });
    const id = await startMain(t, { retention: { completed: DAY } });
    await advance(DAY - MINUTE);
    expect(await rows(t, "workflows")).toHaveLength(2);
    await advance(DAY + 2 * MINUTE);
    expect(await stateOf(t, id)).toBe("gone");
    await drain();
    expect(await rows(t, "workflows")).toEqual([]);
  });

  test("defaults to the definition's for each kind of end", async () => {
    const t = newBackend();
    const id = await t.mutation((ctx) =>
      start(ctx, definitions.expires, {}, { retention: { failed: 1 } }),
    );
    await advance(500);
    expect(await stateOf(t, id)).not.toBe("gone");
    await advance(2000);
    expect(await stateOf(t, id)).toBe("gone");
  });
});

describe("restart from the failure", () => {
  const fromFailure = (t: Backend, id: string) =>
    t.mutation((ctx) => restartWith(ctx, component, id, { fromFailure: true }));

  test("runs the last failed step again and keeps earlier ones, while a plain restart fails again", async () => {
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
      await act(step, "pay").catch(() => "-");
      return await act(step, "pay");
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

  test("is refused without changes if no step failed or from is passed", async () => {
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
    /ifRunning is "queue"\. Expected "return" or "throw" or "replace"\.$/,
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
