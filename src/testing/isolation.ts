import process from "node:process";
import { setTimeout as realSetTimeout } from "node:timers";
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import {
  finishWorkflows,
  mockStep,
  skipSleep,
  waitForRun,
} from "@convex-dev/workflow/test";
import type { WorkflowCtx } from "../client/index.js";
import { internal } from "./app/_generated/api.js";
import { script } from "./app/scripts.js";
import { effects, useFixedPauses } from "./harness.js";
import { DAY, HOUR } from "./units.js";
import { newTest, start } from "./userSetup.js";

const { steps, workflows } = internal;

const realTurns = async () => {
  for (let turn = 0; turn < 3; turn++)
    await new Promise((resolve) => realSetTimeout(resolve, 1));
};

/** The states in which a test can leave a run behind. */
const PARKED: Record<string, (step: WorkflowCtx) => Promise<unknown>> = {
  "waits for an event": (step) => step.awaitEvent({ name: "never" }),
  "waits for an event with a timeout": (step) =>
    step.awaitEvent({ name: "never", timeout: DAY }),
  sleeps: async (step) => {
    await step.sleep(DAY);
    await step.runMutation(steps.echo, { value: "woke" });
  },
  "is in an action": (step) => step.runAction(steps.action, { name: "slow" }),
  "waits to retry an action": (step) =>
    step.runAction(steps.action, { name: "down" }, { retry: true }),
  "has a child in flight": (step) =>
    step.runWorkflow(workflows.workflow, { handler: "sleeps" }),
  "leaves a rejected promise": async (step) => {
    const failing = step.runMutation(steps.fail, { message: "boom" });
    await step.sleep(DAY);
    await failing;
  },
};

const CLOCKS: Record<string, () => void> = {
  "real timers": () => undefined,
  "fake timers": () => vi.useFakeTimers({ now: 1_700_000_000_000 }),
  "fake timers that begin in 2001": () => {
    vi.useFakeTimers();
    vi.setSystemTime(new Date("2001-01-01"));
  },
  "fake timers that begin in 2099": () => {
    vi.useFakeTimers();
    vi.setSystemTime(new Date("2099-01-01"));
  },
  "fake timers whose time is set back later": () => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    vi.setSystemTime(Date.now() + DAY);
  },
};

const GLOBALS = [
  ...["setTimeout", "clearTimeout", "setInterval", "Date", "Math", "Promise"],
  ...["console", "performance", "crypto", "process", "fetch", "Intl"],
] as const;
const globals = () =>
  Object.fromEntries(
    GLOBALS.map((name) => [
      name,
      (globalThis as Record<string, unknown>)[name],
    ]),
  );

/**
 * Each test leaves runs behind, one that waits and one that has just started. It also runs its own workflows, which
 * must end as if they were alone.
 */
export function isolationTests() {
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  useFixedPauses();
  let before: Record<string, unknown>;

  beforeAll(() => {
    // convex-test installs its global accessors once and never removes them.
    newTest();
    before = globals();
    process.on("unhandledRejection", note);
  });
  afterAll(() => {
    process.off("unhandledRejection", note);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await realTurns();
    const after = globals();
    for (const name of GLOBALS) expect(after[name], name).toBe(before[name]);
    expect(rejections).toEqual([]);
  });

  const cases = Object.entries(CLOCKS).flatMap(([clock, install]) =>
    Object.entries(PARKED).map(([state, handler]) => ({
      clock,
      install,
      state,
      handler,
    })),
  );

  describe.each(cases)("$clock, a run that $state", (parked) => {
    const { handler, install, clock } = parked;
    const areReal = clock === "real timers";
    const park = async () => {
      const t = newTest();
      script("handler", "sleeps", (step) => step.sleep(DAY));
      script(
        "action",
        "slow",
        () =>
          new Promise((resolve) => setTimeout(resolve, areReal ? 50 : 5000)),
      );
      script("action", "down", () => {
        throw new Error("down");
      });
      mockStep(t, steps.echoAction, () => "parked");
      return { t, id: await start(t, handler, { name: "parked" }) };
    };

    test("disturbs no other run, in this test or the next", async () => {
      install();
      const { t: other } = await park();
      if (areReal) await realTurns();
      else await finishWorkflows(other, { until: sixthCheck() });
      const t = newTest();
      const id = await start(t, async (step) => {
        await step.sleep(areReal ? 5 : 2 * DAY);
        return [
          await step.runAction(steps.echoAction, { value: 1 }),
          await step.runMutation(steps.echo, { value: 2 }, { inline: true }),
        ];
      });
      if (clock.endsWith("later")) vi.setSystemTime(Date.now() - HOUR);
      expect(await waitForRun(t, id)).toEqual({
        type: "completed",
        result: [1, 2],
      });
      expect(await effects(t)).toEqual([2]);
      const sleeping = await start(t, (step) => step.sleep(DAY), { name: "s" });
      await skipSleep(t, sleeping);
      expect(await waitForRun(t, sleeping)).toMatchObject({
        type: "completed",
      });
      // Time also passed for the parked run. Its backend doesn't see the other one.
      const own = await effects(other);
      expect(own.filter((value) => value !== "woke")).toEqual([]);
      await park();
    });
  });

  test("a run that was left behind in real time does nothing under fake timers", async () => {
    const timers: (() => void)[] = [];
    const realTimers = globalThis.setTimeout;
    globalThis.setTimeout = ((timer: () => void) =>
      timers.push(timer)) as never;
    const old = newTest();
    let attempts = 0;
    script("action", "later", () => attempts++);
    await start(
      old,
      (step) => step.runAction(steps.action, { name: "later" }),
      { execution: "pool" } as never,
    );
    globalThis.setTimeout = realTimers;

    vi.useFakeTimers({ now: 1_700_000_000_000 });
    const t = newTest();
    const id = await start(t, (step) => step.sleep(DAY), { name: "sleeper" });
    for (const timer of timers) timer();
    await old.finishInProgressScheduledFunctions();
    await finishWorkflows(t);
    expect(await waitForRun(t, id)).toMatchObject({ type: "completed" });
    // Waits until the old backend would be done, even if its modules load slowly.
    await old.finishAllScheduledFunctions(() => {
      expect(attempts).toBe(0);
      vi.advanceTimersToNextTimer();
    });
    expect(attempts).toBe(0);
  });

  test("a parked run does nothing after its fake timers are gone", async () => {
    vi.useFakeTimers();
    const t = newTest();
    await start(t, PARKED["sleeps"]!);
    vi.useRealTimers();
    await realTurns();
    vi.useFakeTimers();
    await vi.advanceTimersByTimeAsync(2 * DAY);
    expect(await effects(t)).toEqual([]);
  });
}

function sixthCheck() {
  let checks = 0;
  return () => ++checks > 5;
}
