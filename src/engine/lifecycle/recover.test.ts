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
  outcomes,
  pending,
  recoverAll,
  slow,
  times,
} from "../../testing/scenes.js";
import { Calls } from "../../testing/calls.js";
import { send } from "../../testing/events.js";
import type { Handler } from "../../testing/app/scripts.js";
import { completed } from "../../testing/statuses.js";
import { WorkflowManager, type WorkflowId } from "../../client/index.js";
import { HOUR, MINUTE } from "../../testing/units.js";

useBackend();
listenToConsole();

type Meanwhile = (t: Backend, id: WorkflowId) => Promise<unknown>;

/** A run, an operation on it, and how many scheduled functions an operator then finds to cancel. */
const lost: [string, Handler, Meanwhile, number, unknown][] = [
  [
    "an event wait with a timeout",
    (step) =>
      step
        .awaitEvent({ name: "go", timeout: MINUTE })
        .catch((error: Error) => error.name),
    async () => {},
    1,
    "TimeoutError",
  ],
  [
    "a turn that was due, with its watchdog",
    (step) => step.awaitEvent({ name: "go" }).then(() => "gone"),
    (t, workflowId) => send(t, { workflowId, name: "go" }),
    2,
    "gone",
  ],
  [
    "a driver that nothing watches",
    (step) => act(step, "slow"),
    () => advance(1000),
    1,
    "slow",
  ],
  [
    "a step of a driver that its run no longer has",
    (step) => echo(step, 1),
    (t, id) =>
      inComponent(t, (ctx) =>
        ctx.db.patch("workflows", id as never, { driver: undefined }),
      ),
    2,
    1,
  ],
  [
    "a restart in several transactions, and its watchdog",
    async (step) => {
      const query = (value: number) =>
        step.runQuery(steps.echoQuery, { value }, { inline: true });
      for (let n = 0; n < 20; n++) await Promise.all(times(20, query));
      return "done";
    },
    async (t, id) => {
      await drain();
      await restart(t, id, { from: 1, startAsync: true });
    },
    2,
    "done",
  ],
  [
    "every step in flight, however many there are",
    (step) =>
      Promise.all(times(200, () => step.sleep(MINUTE))).then(() => "all"),
    async () => {},
    200,
    "all",
  ],
];

describe("recover resumes", () => {
  test.each(lost)("%s", async (_what, handler, meanwhile, count, result) => {
    const t = newBackend({ execution: "driver" });
    slow("slow", 5 * MINUTE);
    const id = await startHandler(t, handler);
    await meanwhile(t, id);
    expect(await cancelPending(t)).toBe(count);
    // Longer than any watchdog needs, but shorter than the action.
    await advance(3 * MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    expect(await recoverAll(t)).toBe(1);
    expect(await recoverAll(t)).toBe(0);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(result));
  });

  test("a sleep, which ends at its original time", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) =>
      step.sleep(10 * MINUTE).then(() => "slept"),
    );
    await advance(MINUTE);
    expect(await cancelPending(t)).toBe(1);
    expect(await recoverAll(t)).toBe(1);
    await advance(8 * MINUTE);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(2 * MINUTE);
    expect(await statusOf(t, id)).toEqual(completed("slept"));
  });

  test("the end of a run that can't continue, and calls its onComplete once", async () => {
    const t = newBackend();
    let replays = 0;
    const id = await startHandler(
      t,
      (step) => step.sleep(100, { name: replays++ ? "other" : "first" }),
      { context: "mine" },
    );
    // The turn ran, and the run's end is scheduled.
    for (let ms = 0; replays < 2; ms++) {
      vi.advanceTimersByTime(1);
      await advance(0);
    }
    await cancelPending(t);
    await drain();
    expect(await recoverAll(t)).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await endings(t)).toHaveLength(1);
  });

  test.each(["goes on", "has ended"])(
    "an action whose report to the pool was lost, once it can no longer be running, of a run that %s",
    async (state) => {
      let reports = 0;
      const calls = new Calls(({ path, args }) => {
        const [job] = (args["jobs"] ?? []) as { runResult: unknown }[];
        if (path !== "complete:complete" || !job || reports >= 2) return;
        reports++;
        throw new Error("Canceled in the dashboard");
      });
      const t = newBackend({ execution: "pool", wrap: calls.wrap });
      vi.spyOn(console, "error").mockImplementation(() => {});
      let executed = 0;
      script("action", "count", async () => ++executed);
      await startHandler(t, async (step) => {
        const counted = act(step, "count", { retry: true });
        if (state !== "has ended") await counted;
      });
      await advance(10 * MINUTE);
      expect(reports).toBe(2);
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

  test("many runs in batches, and returns how many", async () => {
    const t = newBackend();
    for (let n = 0; n < 30; n++)
      await startHandler(
        t,
        (step) => (n % 3 ? step.sleep(MINUTE) : step.awaitEvent({ name: "x" })),
        { name: `run ${n}` },
      );
    await cancelPending(t);
    expect(await recoverAll(t)).toBe(20);
    // Everything possible is done.
    expect(await recoverAll(t)).toBe(0);
    await drain();
    const done = (await outcomes(t)).filter((kind) => kind === "success");
    expect(done).toHaveLength(20);
  });
});

/** Starts a run with more steps in flight than any one transaction processes. */
const startWide = (t: Backend) =>
  startHandler(t, async (step) => {
    const all = times(300, () => step.sleep(HOUR));
    await Promise.race([step.awaitEvent({ name: "end" }), ...all]);
    return "ended";
  });

const timersLeft = async (t: Backend) =>
  (await pending(t, /^execute:timer$/)).length;

/** Matches the functions that continue large work, but not the timers to cancel. */
const cancelTasks = (t: Backend) => cancelPending(t, /^turns:(look|perform)$/);

describe("recover continues", () => {
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
    script("handler", "child", (step) => step.sleep(HOUR));
    const id = await startHandler(t, async (step) => {
      void child(step);
      await Promise.all(times(300, () => step.sleep(1)));
    });
    await drain();
    await cleanup(t, id);
    // The rest of the run, the nested run, and their watchdogs.
    expect(await cancelTasks(t)).toBe(4);
    await advance(10 * MINUTE);
    expect(await rows(t, "steps")).not.toEqual([]);
    expect(await recoverAll(t)).toBe(2);
    await advance(1000);
    for (const table of ["steps", "workflows", "tasks"] as const)
      expect(await rows(t, table)).toEqual([]);
  });

  test("the end of a run with many remaining waits", async () => {
    let dies = true;
    const calls = new Calls(({ path }) => {
      if (path === "turns:perform" && dies) throw new Error("died");
    });
    const t = newBackend({ wrap: calls.wrap });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const id = await startWide(t);
    await send(t, { workflowId: id, name: "end" });
    await advance(1000);
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(calls.of("turns:perform")).toHaveLength(1);
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
  slow("slow", 5 * MINUTE);
  await startHandler(t, (step) => step.sleep(MINUTE), { name: "sleep" });
  await startHandler(t, (step) => step.awaitEvent({ name: "x" }), {
    name: "event",
  });
  await startHandler(
    t,
    (step) => Promise.all([act(step, "slow"), act(step, "slow")]),
    { name: "actions" },
  );
  await startHandler(t, async () => "ended", { name: "ended" });
  await advance(1000);
  const manager = new WorkflowManager(components.workflow);
  expect(await t.action((ctx) => manager.recover(ctx))).toBe(0);
});
