import { describe, expect, test, vi } from "vitest";
import {
  advance,
  components,
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
import {
  cancel,
  cleanup,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { Calls } from "../../testing/calls.js";
import { recover, sendEvent, WorkflowManager } from "../../client/index.js";

useBackend();
listenToConsole();

const MINUTE = 60_000;

/** As an operator does: cancels all scheduled functions of the component that have not begun. */
async function cancelAll(t: Backend): Promise<number> {
  return await inComponent(t, async (ctx) => {
    const all = await ctx.db.system.query("_scheduled_functions").collect();
    const pending = all.filter(({ state }) => state.kind === "pending");
    for (const { _id } of pending) await ctx.scheduler.cancel(_id);
    return pending.length;
  });
}

const recoverAll = (t: Backend) =>
  t.action((ctx) => recover(ctx, components.workflow));

describe("recover brings back", () => {
  test("a sleep, at the time at which it was to end", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await step.sleep(10 * MINUTE);
      return "slept";
    });
    await advance(MINUTE);
    expect(await cancelAll(t)).toBe(1);
    expect(await recoverAll(t)).toBe(1);
    await advance(8 * MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2 * MINUTE);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "slept",
    });
  });

  test("an event wait with a timeout", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      step
        .awaitEvent({ name: "go", timeout: MINUTE })
        .catch((error: Error) => error.name),
    );
    await cancelAll(t);
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "TimeoutError" });
  });

  test("a turn that was due, with its watchdog", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await step.awaitEvent({ name: "go" });
      return "gone";
    });
    await t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId: id, name: "go" }),
    );
    expect(await cancelAll(t)).toBe(2);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "gone",
    });
  });

  test("the end of a run that can't continue, whose onComplete is called once", async () => {
    const t = newBackend();
    let replays = 0;
    const id = await startHandler(
      t,
      (step) => step.sleep(100, { name: replays++ ? "other" : "first" }),
      { context: "mine" },
    );
    // The turn is taken; the run's end is scheduled.
    for (let ms = 0; replays < 2; ms++) {
      vi.advanceTimersByTime(1);
      await advance(0);
    }
    await cancelAll(t);
    await drain();
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await endings(t)).toHaveLength(1);
  });

  test("a driver that nothing watches", async () => {
    const t = newBackend({ execution: "driver" });
    script("action", "slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5 * MINUTE));
      return "slow";
    });
    const id = await startHandler(t, (step) =>
      step.runAction(steps.action, { name: "slow" }),
    );
    await advance(1000);
    expect(await cancelAll(t)).toBe(1);
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "slow",
    });
  });

  test.each(["goes on", "has ended"])(
    "an action whose report to the pool was lost, once it can't be running any more, of a run that %s",
    async (state) => {
      let lost = 0;
      const calls = new Calls(({ path, args }) => {
        const [job] = (args["jobs"] ?? []) as { runResult: unknown }[];
        if (path !== "complete:complete" || !job || lost >= 2) return;
        lost++;
        throw new Error("Canceled in the dashboard");
      });
      const t = newBackend({ execution: "pool", wrap: calls.wrap });
      vi.spyOn(console, "error").mockImplementation(() => {});
      let executed = 0;
      script("action", "count", async () => ++executed);
      await startHandler(t, async (step) => {
        const args = { name: "count" };
        const counted = step.runAction(steps.action, args, { retry: true });
        if (state !== "has ended") await counted;
      });
      await advance(10 * MINUTE);
      expect(lost).toBe(2);
      const stepState = async () => (await rows(t, "steps"))[0]!.step;
      expect(await stepState()).toMatchObject({ inProgress: true });
      await recoverAll(t);
      await advance(59 * MINUTE);
      expect(executed).toBe(1);
      await advance(10 * MINUTE);
      expect(await stepState()).toMatchObject({
        runResult: { kind: "success", returnValue: 2 },
      });
      const [run] = await rows(t, "workflows");
      expect(run).toMatchObject({ runResult: { kind: "success" } });
    },
  );

  test("a restart in several transactions", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      for (let n = 0; n < 20; n++)
        await Promise.all(
          Array.from({ length: 20 }, (_, value) =>
            step.runQuery(steps.echoQuery, { value }, { inline: true }),
          ),
        );
      return "done";
    });
    await drain();
    await restart(t, id, { from: 1, startAsync: true });
    // The rest of it, and its watchdog.
    expect(await cancelAll(t)).toBe(2);
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
  });

  test("every run of many, in batches, and says how many", async () => {
    const t = newBackend();
    const ids = [];
    for (let n = 0; n < 30; n++)
      ids.push(
        await startHandler(
          t,
          (step) =>
            n % 3 ? step.sleep(MINUTE) : step.awaitEvent({ name: "x" }),
          { name: `run ${n}` },
        ),
      );
    await cancelAll(t);
    expect(await recoverAll(t)).toBe(20);
    // All that can be done is.
    expect(await recoverAll(t)).toBe(0);
    await drain();
    const done = (await rows(t, "workflows")).filter((run) => run.runResult);
    expect(done).toHaveLength(20);
    expect(ids).toHaveLength(30);
  });
});

/** A run with more in flight than one transaction of anything treats. */
const startWide = (t: Backend) =>
  startHandler(t, async (step) => {
    const all = Array.from({ length: 300 }, () => step.sleep(60 * MINUTE));
    await Promise.race([step.awaitEvent({ name: "end" }), ...all]);
    return "ended";
  });

const timersLeft = (t: Backend) =>
  inComponent(t, async (ctx) => {
    const all = await ctx.db.system.query("_scheduled_functions").collect();
    return all.filter(
      ({ name, state }) => name === "execute:timer" && state.kind === "pending",
    ).length;
  });

/** Only what goes on with something large: not the timers that it is to take back. */
async function cancelTasks(t: Backend): Promise<number> {
  return await inComponent(t, async (ctx) => {
    const all = await ctx.db.system.query("_scheduled_functions").collect();
    const pending = all.filter(
      ({ name, state }) =>
        /^turns:(look|perform)$/.test(name) && state.kind === "pending",
    );
    for (const { _id } of pending) await ctx.scheduler.cancel(_id);
    return pending.length;
  });
}

describe("recover goes on with", () => {
  test("every step in flight, however many there are", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await Promise.all(Array.from({ length: 200 }, () => step.sleep(MINUTE)));
    });
    expect(await cancelAll(t)).toBe(200);
    expect(await recoverAll(t)).toBe(1);
    expect(await timersLeft(t)).toBe(200);
    expect(await recoverAll(t)).toBe(0);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("a cancel", async () => {
    const t = newBackend();
    const id = await startWide(t);
    await cancel(t, id);
    expect(await timersLeft(t)).toBeGreaterThan(0);
    expect(await cancelTasks(t)).toBe(2);
    await advance(10 * MINUTE);
    expect(await timersLeft(t)).toBeGreaterThan(0);
    expect(await recoverAll(t)).toBe(1);
    await advance(1000);
    expect(await timersLeft(t)).toBe(0);
    expect(await rows(t, "tasks")).toEqual([]);
  });

  test("a cleanup, of nested runs too", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(60 * MINUTE));
    const id = await startHandler(t, async (step) => {
      const child = { handler: "child" };
      void step.runWorkflow(workflows.workflow, child);
      await Promise.all(Array.from({ length: 300 }, () => step.sleep(1)));
    });
    await drain();
    await cleanup(t, id);
    // The rest, the nested run, and their watchdogs.
    expect(await cancelTasks(t)).toBe(4);
    await advance(10 * MINUTE);
    expect(await rows(t, "steps")).not.toEqual([]);
    expect(await recoverAll(t)).toBe(2);
    await advance(1000);
    for (const table of ["steps", "workflows", "tasks"] as const)
      expect(await rows(t, table)).toEqual([]);
  });

  test("the end of a run that leaves many waits", async () => {
    let dies = true;
    const calls = new Calls(({ path }) => {
      if (path === "ending:continueCancel" && dies) throw new Error("died");
    });
    const t = newBackend({ wrap: calls.wrap });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const id = await startWide(t);
    await t.mutation((ctx) =>
      sendEvent(ctx, components.workflow, { workflowId: id, name: "end" }),
    );
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(calls.of("ending:continueCancel")).toHaveLength(1);
    expect(await cancelTasks(t)).toBe(1);
    dies = false;
    await advance(10 * MINUTE);
    expect(await timersLeft(t)).toBeGreaterThan(0);
    expect(await recoverAll(t)).toBe(1);
    await advance(1000);
    expect(await timersLeft(t)).toBe(0);
  });
});

test("recover doesn't touch runs that wait for something that can still happen", async () => {
  const t = newBackend();
  script("action", "slow", async () => {
    await new Promise((resolve) => setTimeout(resolve, 5 * MINUTE));
  });
  await startHandler(t, (step) => step.sleep(MINUTE), { name: "sleep" });
  await startHandler(t, (step) => step.awaitEvent({ name: "x" }), {
    name: "event",
  });
  await startHandler(
    t,
    (step) =>
      Promise.all([
        step.runAction(steps.action, { name: "slow" }),
        step.runAction(steps.action, { name: "slow" }),
      ]),
    { name: "actions" },
  );
  await startHandler(t, async () => "ended", { name: "ended" });
  await advance(1000);
  const manager = new WorkflowManager(components.workflow);
  expect(await t.action((ctx) => manager.recover(ctx))).toBe(0);
});
