import { beforeEach, describe, expect, test, vi } from "vitest";
import {
  finishWorkflows,
  skipSleep,
  waitForRun,
  type FinalStatus,
} from "@convex-dev/workflow/test";
import * as client from "../client/index.js";
import { internal as componentInternal } from "../component/_generated/api.js";
import { components, internal } from "../testing/app/_generated/api.js";
import { script, type Handler } from "../testing/app/scripts.js";
import { effects, statusOf, useFakeTimers } from "../testing/harness.js";
import { callInternal } from "../testing/managing.js";
import { DAY } from "../testing/units.js";
import { newTest, send, start } from "../testing/userSetup.js";

const { steps, strangers, workflows } = internal;

useFakeTimers();

const done = (result: unknown) => ({ type: "completed", result });
const echo = (step: Parameters<Handler>[0], value: unknown) =>
  step.runMutation(steps.echo, { value });

/** Returns the milliseconds that pass during a call. */
async function passing(act: () => Promise<unknown>) {
  const before = Date.now();
  await act();
  return Date.now() - before;
}

describe("finishWorkflows", () => {
  test("lets months of sleep pass, and fires timers of all runs in order of time", async () => {
    const t = newTest();
    for (const days of [3, 1, 2])
      await start(
        t,
        async (step) => {
          await step.sleep(days * DAY);
          await echo(step, days);
          await step.sleep(400 * DAY);
          await echo(step, 400 + days);
        },
        { name: `${days}` },
      );
    const ms = await passing(() => finishWorkflows(t));
    expect(await effects(t)).toEqual([1, 2, 3, 401, 402, 403]);
    expect(Math.round(ms / DAY)).toBe(403);
  });

  test("fires an action's own timer before a longer sleep and after a shorter one", async () => {
    const t = newTest();
    script("action", "slow", async () => {
      for (let turn = 0; turn < 2; turn++)
        await new Promise((resolve) => setTimeout(resolve, 500));
      return "action";
    });
    const race = (ms: number) =>
      start(
        t,
        (step) =>
          Promise.race([
            step.runAction(steps.action, { name: "slow" }),
            step.sleep(ms).then(() => "sleep"),
          ]),
        { name: `${ms}` },
      );
    const ids = [await race(900), await race(2000)];
    await finishWorkflows(t);
    expect(await statusOf(t, ids[0]!)).toEqual(done("sleep"));
    expect(await statusOf(t, ids[1]!)).toEqual(done("action"));
  });

  test("finishes function steps that a run left in flight", async () => {
    const t = newTest();
    script("action", "late", async (ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await (ctx.runMutation as never as typeof t.mutation)(steps.echo, {
        value: "late",
      });
    });
    const id = await start(t, (step) =>
      Promise.race([
        step.runAction(steps.action, { name: "late" }),
        step.sleep(10).then(() => "first"),
      ]),
    );
    await finishWorkflows(t);
    expect(await statusOf(t, id)).toEqual(done("first"));
    expect(await effects(t)).toEqual(["late"]);
  });

  test("returns when a run only waits for an event, and lets no time pass", async () => {
    const t = newTest();
    const id = await start(t, async (step) => {
      await echo(step, 1);
      await step.awaitEvent({ name: "go" });
    });
    expect(await passing(() => finishWorkflows(t))).toBeLessThan(1000);
    expect(await statusOf(t, id)).toMatchObject({
      running: [{ kind: "event", name: "go" }],
    });
    await send(t, id, "go");
    await finishWorkflows(t);
    expect(await statusOf(t, id)).toEqual(done(null));
  });

  test('lets sleeps end and event waits time out, unless until: "waiting" stops before timeouts', async () => {
    const t = newTest();
    const id = await start(t, async (step) => {
      await step.sleep(2 * DAY);
      return await step
        .awaitEvent({ name: "go", timeout: DAY })
        .catch((error: Error) => error.name);
    });
    const ms = await passing(() => finishWorkflows(t, { until: "waiting" }));
    expect(Math.floor(ms / DAY)).toBe(2);
    expect(await statusOf(t, id)).toMatchObject({
      running: [{ kind: "event" }],
    });
    await finishWorkflows(t);
    expect(await statusOf(t, id)).toEqual(done("TimeoutError"));
  });

  test("lets no time pass for deadlines and retention alone, but applies them if time passes for another run", async () => {
    const t = newTest();
    const options = { timeout: DAY, retention: { completed: DAY } };
    const wait: Handler = (step) => step.awaitEvent({ name: "go" });
    const waiting = await start(t, wait, options);
    const ended = await start(t, async () => "end", { ...options, name: "e" });
    expect(await passing(() => finishWorkflows(t))).toBeLessThan(1000);
    expect(await statusOf(t, waiting)).toMatchObject({ type: "inProgress" });
    expect(await statusOf(t, ended)).toEqual(done("end"));
    await start(t, (step) => step.sleep(2 * DAY), { name: "sleeper" });
    await finishWorkflows(t);
    expect(await statusOf(t, waiting)).toMatchObject({ type: "failed" });
    await expect(statusOf(t, ended)).rejects.toThrow("not found");
  });

  test("calls until before each timer", async () => {
    const t = newTest();
    await start(t, async (step) => {
      for (let n = 0; ; n++) {
        await echo(step, n);
        await step.sleep(DAY);
      }
    });
    await finishWorkflows(t, {
      until: async () => (await effects(t)).length === 3,
    });
    expect(await effects(t)).toEqual([0, 1, 2]);
    const tomorrow = Date.now() + DAY;
    await finishWorkflows(t, { until: () => Date.now() >= tomorrow });
    expect(Date.now()).toBeLessThan(tomorrow + 1000);
    const ms = await passing(() => finishWorkflows(t, { until: () => true }));
    expect(ms).toBe(0);
  });

  test("handles later starts, children and retries", async () => {
    const t = newTest();
    let attempts = 0;
    script("action", "flaky", () => {
      if (++attempts < 3) throw new Error("down");
      return attempts;
    });
    script("handler", "child", (step) =>
      step.runAction(steps.action, { name: "flaky" }, { retry: true }),
    );
    const id = await start(
      t,
      (step) => step.runWorkflow(workflows.workflow, { handler: "child" }),
      { runAfter: DAY },
    );
    await finishWorkflows(t);
    expect(await statusOf(t, id)).toEqual(done(3));
  });

  test("runs the app's functions that are due by then, but no later ones", async () => {
    const t = newTest();
    script("mutation", "schedule", async (ctx) => {
      for (const [delay, value] of [
        [0, "now"],
        [DAY, "later"],
      ] as const)
        await ctx.scheduler.runAfter(delay, steps.echo, { value });
    });
    await start(t, (step) =>
      step.runMutation(steps.mutation, { name: "schedule" }),
    );
    await finishWorkflows(t);
    expect(await effects(t)).toEqual(["now"]);
  });

  test("runs the workflows of every registered instance", async () => {
    const t = newTest("other");
    const here = await start(t, (step) => step.sleep(DAY));
    const there = await start(t, (step) => step.sleep(2 * DAY), {
      name: "there",
      workflow: strangers.elsewhere,
    });
    await finishWorkflows(t);
    expect(await statusOf(t, here)).toEqual(done(null));
    expect(await waitForRun(t, there, { name: "other" })).toEqual(done(null));
  });

  test("ends if a canceled run left an action in flight", async () => {
    const t = newTest();
    script("action", "slow", async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    });
    const id = await start(t, (step) =>
      step.runAction(steps.action, { name: "slow" }),
    );
    await finishWorkflows(t, {
      until: () => vi.getMockedSystemTime() !== null,
    });
    await t.mutation((ctx) => client.cancel(ctx, components.workflow, id));
    await finishWorkflows(t);
    expect(await waitForRun(t, id)).toEqual({ type: "canceled" });
  });

  test("refuses an unknown until and a t with an identity", async () => {
    const until = "waitin" as "waiting";
    await expect(finishWorkflows(newTest(), { until })).rejects.toThrow(
      'until is "waitin". Expected "waiting" or a function.',
    );
    const identified = newTest().withIdentity({ name: "Ada" });
    await expect(finishWorkflows(identified as never)).rejects.toThrow(
      "Call register(t) first, and pass that same t",
    );
  });

  test("throws with the run's name if it never ends, or if a function of the app reschedules itself forever", async () => {
    const t = newTest();
    script("mutation", "again", (ctx) =>
      ctx.scheduler.runAfter(0, steps.mutation, { name: "again" }),
    );
    await t.mutation(steps.mutation, { name: "again" });
    const finish = () => finishWorkflows(t, { maxTimers: 50 });
    await expect(finish()).rejects.toThrow(
      "after 50 timers. Only functions of the app are due.",
    );
    const id = await start(t, async (step) => {
      for (;;) await step.sleep(DAY);
    });
    await expect(finish()).rejects.toThrow(
      new RegExp(
        `There is still work left after 50 timers. Workflow ${id} .*sleeps.*Pass \`until\``,
      ),
    );
  });

  test("throws if due work never completes", async () => {
    const t = newTest();
    await callInternal(t, componentInternal.utils.updateConfig, {
      maxParallelism: 0,
    });
    await start(t, (step) => step.runAction(steps.echoAction, { value: 1 }));
    await expect(finishWorkflows(t)).rejects.toThrow(
      /Nothing has changed for 500 timers.*Is the workpool paused/,
    );
  });

  test("throws if the timers are restored meanwhile, and doesn't touch them again", async () => {
    const t = newTest();
    await start(t, (step) => step.sleep(DAY));
    const restore = async () => {
      await Promise.resolve();
      vi.useRealTimers();
      return false;
    };
    await expect(finishWorkflows(t, { until: restore })).rejects.toThrow(
      "The fake timers were restored or replaced",
    );
  });
});

describe("without fake timers", () => {
  beforeEach(() => {
    vi.useRealTimers();
  });

  test("short waits pass in real time", async () => {
    const t = newTest();
    const id = await start(t, async (step) => {
      await step.sleep(20);
      return await echo(step, 1);
    });
    await finishWorkflows(t);
    expect(await statusOf(t, id)).toEqual(done(1));
  });

  test("a long sleep is refused at once, with advice", async () => {
    const t = newTest();
    const id = await start(t, (step) => step.sleep(DAY));
    for (const wait of [finishWorkflows(t), waitForRun(t, id)])
      await expect(wait).rejects.toThrow(
        /Workflow .* step 0 "sleep" sleeps.* due in \d+ ms. Call vi.useFakeTimers\(\) before/,
      );
    await skipSleep(t, id);
    expect(await waitForRun(t, id)).toEqual(done(null));
  });

  test.each([
    [
      "Date",
      () => vi.setSystemTime(0),
      /^Date is mocked, but setTimeout isn't, so no time passes/,
    ],
    [
      "setTimeout",
      () => vi.useFakeTimers({ toFake: ["setTimeout"] }),
      /^setTimeout is fake, but Date isn't, so no time passes/,
    ],
  ])(
    "if only %s is fake, a sleep ends with advice",
    async (_what, fake, advice) => {
      fake();
      const t = newTest();
      const id = await start(t, (step) => step.sleep(3000));
      await expect(waitForRun(t, id)).rejects.toThrow(advice);
    },
  );

  test("a run that started in real time can't be driven by fake timers, and the error says so", async () => {
    const t = newTest();
    await start(t, (step) => step.sleep(DAY));
    vi.useFakeTimers();
    await expect(finishWorkflows(t)).rejects.toThrow(
      "Call vi.useFakeTimers() before you start runs.",
    );
  });
});

describe("waitForRun", () => {
  test("resolves to the same final status as getStatus", async () => {
    const t = newTest();
    const handlers: Handler[] = [
      async (step) => {
        step.setProgress("half");
        return await echo(step, 1);
      },
      (step) => step.runMutation(steps.fail, { message: "boom" }),
      async (step) => {
        const { workflowId } = step;
        script("mutation", "cancel", (ctx) =>
          client.cancel(ctx, components.workflow, workflowId),
        );
        await step.runMutation(steps.mutation, { name: "cancel" });
      },
    ];
    const finals: FinalStatus[] = [];
    for (const [n, handler] of handlers.entries()) {
      const id = await start(t, handler, { name: `${n}` });
      const final = await waitForRun(t, id);
      expect(final).toEqual(await statusOf(t, id));
      finals.push(final);
    }
    expect(finals).toEqual([
      { type: "completed", result: 1, progress: "half" },
      { type: "failed", error: "boom" },
      { type: "canceled" },
    ]);
  });

  test("returns when the run ends, even at its deadline, and doesn't wait for other runs", async () => {
    const t = newTest();
    const wait: Handler = (step) => step.awaitEvent({ name: "go" });
    const sleeper = await start(t, (step) => step.sleep(2 * DAY), {
      name: "s",
    });
    const sooner = await start(t, wait, { timeout: DAY / 2, name: "sooner" });
    await start(t, wait, { timeout: 2 * DAY, name: "later" });
    const id = await start(t, wait, { timeout: DAY });
    const ms = await passing(async () =>
      expect(await waitForRun(t, id)).toMatchObject({
        type: "failed",
        error: expect.stringContaining("timed out") as string,
      }),
    );
    expect(Math.round(ms / DAY)).toBe(1);
    expect(await statusOf(t, sleeper)).toMatchObject({ type: "inProgress" });
    // Time passed for it, too.
    expect(await waitForRun(t, sooner)).toMatchObject({ type: "failed" });
  });

  test("names the event that the run or its child waits for", async () => {
    const t = newTest();
    script("handler", "child", async (step) => {
      await Promise.all([
        step.awaitEvent({ name: "signed" }),
        step.awaitEvent({ name: "paid" }),
      ]);
    });
    const id = await start(t, async (step) => {
      await echo(step, 1);
      await step.runWorkflow(workflows.workflow, { handler: "child" });
    });
    await expect(waitForRun(t, id)).rejects.toThrow(
      new RegExp(
        `^Workflow ${id} \\("workflows:workflow"\\) is in progress: step 1 waits for the child "workflows:workflow" .*, ` +
          `where step 0 waits for the event "signed", and step 1 waits for the event "paid", and nothing is left to do`,
      ),
    );
  });

  test("finds the run by its id, and asks for the instance's name if two have that id", async () => {
    const t = newTest("other");
    const wait: Handler = async () => "here";
    const here = await start(t, wait);
    await expect(waitForRun(t, "nothing")).rejects.toThrow(
      'Workflow nothing doesn\'t exist in "workflow" and "other"',
    );
    await expect(waitForRun(t, here, { name: "third" })).rejects.toThrow(
      'No workflow component is registered as "third"',
    );
    expect(await waitForRun(t, here)).toEqual(done("here"));
    const there = await start(t, async () => "there", {
      name: "there",
      workflow: strangers.elsewhere,
    });
    expect(there).toBe(here);
    await expect(waitForRun(t, there)).rejects.toThrow("Pass { name }");
    expect(await waitForRun(t, there, { name: "other" })).toEqual(
      done("there"),
    );
  });

  test("throws if the run was cleaned up when it ended", async () => {
    const t = newTest();
    const id = await start(t, async (step) => {
      const { workflowId } = step;
      await step.sleep(DAY);
      script("mutation", "clean", (ctx) =>
        ctx.runMutation(components.workflow.workflow.cleanup, {
          workflowId,
          force: true,
        }),
      );
      await step.runMutation(steps.mutation, { name: "clean" });
    });
    await expect(waitForRun(t, id)).rejects.toThrow("was cleaned up");
  });
});

describe("skipSleep", () => {
  test("runs the run to its sleep and ends it, without letting time pass or ending another run's sleep", async () => {
    const t = newTest();
    const sleep: Handler = (step) => step.sleep(50 * DAY);
    const other = await start(t, sleep, { name: "other" });
    const id = await start(t, async (step) => {
      await echo(step, "before");
      await Promise.all([step.sleep(30 * DAY), step.sleep(60 * DAY)]);
      await echo(step, "after");
      await step.sleep(DAY);
      return await echo(step, "end");
    });
    const ms = await passing(async () => {
      await skipSleep(t, id);
      expect(await effects(t)).toEqual(["before"]);
      await skipSleep(t, id);
      expect(await effects(t)).toEqual(["before", "after"]);
      expect(await waitForRun(t, id)).toEqual(done("end"));
    });
    expect(ms).toBeLessThan(2000);
    expect(await statusOf(t, other)).toMatchObject({ type: "inProgress" });
    // The timers of skipped sleeps are still pending, but have no effect.
    await vi.advanceTimersByTimeAsync(100 * DAY);
    await finishWorkflows(t);
    expect(await effects(t)).toEqual(["before", "after", "end"]);
  });

  test("throws if the run waits for something else, or has ended", async () => {
    const t = newTest();
    const waiting = await start(t, (step) =>
      step.awaitEvent({ name: "go", timeout: DAY }),
    );
    await expect(skipSleep(t, waiting)).rejects.toThrow(
      'step 0 waits for the event "go". It doesn\'t sleep.',
    );
    const ended = await start(t, async () => 1, { name: "ended" });
    await expect(skipSleep(t, ended)).rejects.toThrow(
      `Workflow ${ended} doesn't sleep: it is completed.`,
    );
  });
});
