import { ConvexError } from "convex/values";
import { describe, expect, test, vi } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import { internal } from "../../testing/app/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  components,
  drain,
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
import { completed, failed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import {
  cancel,
  NonRetryableError,
  RetryAfterError,
  start,
  type WorkflowId,
} from "../../client/index.js";

useBackend();
listenToConsole();

const { definitions } = internal;
const call = { name: "attempt" };

/** Each attempt of the action: when it began. It fails as often as `failures` says. */
function attempts(failures = Infinity, error: () => unknown = noError) {
  const times: number[] = [];
  script("action", "attempt", () => {
    times.push(Date.now());
    if (times.length <= failures) throw error();
    return `attempt ${times.length}`;
  });
  return times;
}
const noError = () => new Error("not this time");

type Options = Parameters<typeof runAttempt>[1];
const runAttempt = (
  step: Parameters<Handler>[0],
  options?: {
    retry?:
      | boolean
      | {
          maxAttempts: number;
          initialBackoffMs: number;
          base: number;
          maxBackoffMs?: number;
        };
  },
) => step.runAction(steps.action, call, options);

/** Runs one action step of a workflow to its end. */
async function run(
  t: Backend,
  options?: Options,
  workflow: typeof workflows.workflow = workflows.workflow,
) {
  script("handler", "main", (step) => runAttempt(step, options));
  const id = await t.mutation((ctx) =>
    start(ctx, workflow, { handler: "main" }),
  );
  await drain();
  return await statusOf(t, id);
}

const gaps = (times: number[]) =>
  times.slice(1).map((time, at) => time - times[at]!);

/**
 * The delays are between half and one and a half of what the policy says. The pool takes up to one of its units
 * of time from that, and adds what it needs.
 */
function expectBackoffs(times: number[], exact: number[]) {
  expect(gaps(times)).toHaveLength(exact.length);
  for (const [at, gap] of gaps(times).entries()) {
    expect(gap).toBeGreaterThanOrEqual(exact[at]! * 0.5 - UNIT_MS);
    expect(gap).toBeLessThanOrEqual(exact[at]! * 1.5 + POOL_MS);
  }
}
const POOL_MS = 600;
const UNIT_MS = 100;

describe("how often and when", () => {
  test("an action is not retried by default", async () => {
    const times = attempts();
    const status = await run(newBackend());
    expect(status).toEqual(failed("not this time"));
    expect(times).toHaveLength(1);
  });

  test("retry: true means five attempts, 500 ms apart at first and twice as long each time", async () => {
    const times = attempts();
    const status = await run(newBackend(), { retry: true });
    expect(status).toEqual(failed("not this time"));
    expectBackoffs(times, [500, 1000, 2000, 4000]);
  });

  test("the delays vary, so that steps that failed together aren't retried together", async () => {
    const times: Record<string, number[]> = {};
    script("action", "attempt", (_ctx, at: string) => {
      (times[at] ??= []).push(Date.now());
      throw noError();
    });
    const t = newBackend();
    const retry = { maxAttempts: 2, initialBackoffMs: 100_000, base: 1 };
    await startHandler(t, async (step) => {
      await Promise.allSettled(
        ["a", "b", "c", "d", "e", "f"].map((input) =>
          step.runAction(steps.action, { name: "attempt", input }, { retry }),
        ),
      );
    });
    await drain();
    const delays = Object.values(times).map((each) => gaps(each)[0]!);
    expect(delays).toHaveLength(6);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(5000);
  });

  test("no attempt follows one that succeeds", async () => {
    const times = attempts(2);
    const status = await run(newBackend(), { retry: true });
    expect(status).toEqual(completed("attempt 3"));
    expect(times).toHaveLength(3);
  });

  test("a policy of the step's own", async () => {
    const times = attempts();
    await run(newBackend(), {
      retry: { maxAttempts: 3, initialBackoffMs: 10_000, base: 3 },
    });
    expectBackoffs(times, [10_000, 30_000]);
  });

  test("maxAttempts: 1 means no retry", async () => {
    const times = attempts();
    await run(newBackend(), {
      retry: { maxAttempts: 1, initialBackoffMs: 1, base: 1 },
    });
    expect(times).toHaveLength(1);
  });

  test("between attempts the step is in flight, its siblings continue, and the handler doesn't resume", async () => {
    const t = newBackend();
    attempts(1);
    let turns = 0;
    const id = await startHandler(t, async (step) => {
      turns++;
      return await Promise.all([
        runAttempt(step, {
          retry: { maxAttempts: 2, initialBackoffMs: 3_600_000, base: 1 },
        }),
        step.runMutation(steps.echo, { value: 1 }),
      ]);
    });
    await advance(60_000);
    expect(await statusOf(t, id)).toMatchObject({
      type: "inProgress",
      running: [{ name: "steps:action" }],
    });
    expect(turns).toBe(1);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(["attempt 2", 1]));
    expect(turns).toBe(2);
  });

  test("queries, mutations and nested workflows are not retried, whatever the defaults", async () => {
    const t = newBackend();
    const calls: string[] = [];
    const fails = (what: string) => () => {
      calls.push(what);
      throw noError();
    };
    script("query", "attempt", fails("query"));
    script("mutation", "attempt", fails("mutation"));
    script("handler", "child", async () => fails("workflow")());
    script("handler", "main", async (step) => {
      await step.runQuery(steps.query, call).catch(() => 0);
      await step.runMutation(steps.mutation, call).catch(() => 0);
      await step
        .runMutation(steps.mutation, call, { inline: true })
        .catch(() => 0);
      await step
        .runWorkflow(definitions.retriesByManager, { handler: "child" })
        .catch(() => 0);
    });
    await t.mutation((ctx) =>
      start(ctx, definitions.retriesByManager, { handler: "main" }),
    );
    await drain();
    expect(calls).toEqual(["query", "mutation", "mutation", "workflow"]);
  });
});

describe("between two attempts of an action that a driver executes", () => {
  const HOUR = 3_600_000;
  const every = (initialBackoffMs: number) => ({
    retry: { maxAttempts: 3, initialBackoffMs, base: 2 },
  });
  const theRun = async (t: Backend) => (await rows(t, "workflows"))[0];
  const configure = (
    t: Backend,
    config: { maxParallelism?: number; execution?: "pool" },
  ) =>
    inComponent(t, (ctx) =>
      ctx.runMutation(component.utils.updateConfig, config),
    );

  test("no driver waits: another one is scheduled after the pause, for each attempt", async () => {
    const t = newBackend({ execution: "driver" });
    const times = attempts(2);
    const id = await startHandler(t, async (step) => [
      await runAttempt(step, every(400)),
      await step.runMutation(steps.echo, { value: 1 }),
    ]);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: ["attempt 3", 1] });
    const [first, second] = await journal(t, id);
    expect(first).toMatchObject({ drivenBy: 3, failedAttempts: 2 });
    // It went on with the run.
    expect(second).toMatchObject({ drivenBy: 3 });
    expectBackoffs(times, [400, 800]);
  });

  test("hours may pass: nothing replaces the driver that is due then", async () => {
    const t = newBackend({ execution: "driver" });
    const times = attempts(2);
    const id = await startHandler(t, (step) => runAttempt(step, every(HOUR)));
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "attempt 3" });
    expect(await theRun(t)).toMatchObject({ drivers: 3 });
    expectBackoffs(times, [HOUR, 2 * HOUR]);
  });

  test("another run has the only slot of the pool", async () => {
    const t = newBackend({ execution: "driver" });
    await configure(t, { maxParallelism: 1 });
    attempts(1);
    await startHandler(t, (step) => runAttempt(step, every(HOUR)));
    await advance(5000);
    const other = await startHandler(
      t,
      (step) => step.runAction(steps.echoAction, { value: 1 }),
      { name: "other" },
    );
    await advance(5000);
    expect(await statusOf(t, other)).toMatchObject({ result: 1 });
  });

  test("a run does not count as one that is driven", async () => {
    const t = newBackend({ execution: "driver" });
    attempts(5);
    for (let i = 0; i < 5; i++)
      await startHandler(t, (step) => runAttempt(step, every(HOUR)));
    await advance(5000);
    script("action", "slow", () => new Promise((end) => setTimeout(end, 4000)));
    const id = await startHandler(
      t,
      async (step) => {
        for (let i = 0; i < 5; i++)
          await step.runAction(steps.action, { name: "slow" });
      },
      { name: "other" },
    );
    await advance(60_000);
    const run = (await rows(t, "workflows")).find(
      ({ _id }) => _id === (id as string),
    );
    expect(run).toMatchObject({ drivers: 1, runResult: { kind: "success" } });
  });

  test("a cancel ends the retries", async () => {
    const t = newBackend({ execution: "driver" });
    const times = attempts();
    const id = await startHandler(t, (step) => runAttempt(step, every(HOUR)));
    await advance(5000);
    await t.mutation((ctx) => cancel(ctx, components.workflow, id));
    await drain();
    expect(times).toHaveLength(1);
  });

  test("a paused pool is waited for", async () => {
    const t = newBackend({ execution: "driver" });
    const times = attempts(1);
    const id = await startHandler(t, (step) => runAttempt(step, every(10_000)));
    await advance(2000);
    await configure(t, { maxParallelism: 0 });
    await advance(HOUR);
    expect(times).toHaveLength(1);
    await configure(t, { maxParallelism: 5 });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "attempt 2" });
  });

  test("a run that is switched to the pool continues there", async () => {
    const t = newBackend({ execution: "driver" });
    script("action", "attempt", async () => {
      await new Promise((end) => setTimeout(end, 5000));
      throw noError();
    });
    const id = await startHandler(t, (step) => runAttempt(step, every(1000)));
    await advance(2000);
    await configure(t, { execution: "pool" });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await theRun(t)).toMatchObject({ drivers: 1 });
    const [row] = await journal(t, id);
    expect(row).toMatchObject({ failedAttempts: 2 });
    expect(row?.drivenBy).toBeUndefined();
  });

  test("the failure counts once, however often it is reported", async () => {
    const t = newBackend({ execution: "driver" });
    const times = attempts();
    const id = await startHandler(t, (step) => runAttempt(step, every(HOUR)));
    await advance(5000);
    const context = {
      workflowId: id as string as Id<"workflows">,
      generationNumber: 0,
      driver: 1,
    };
    const outcome = { kind: "failed" as const, error: "not this time" };
    await inComponent(t, async (ctx) => {
      await ctx.runMutation(component.driving.onComplete, {
        workId: "its job" as never,
        result: { kind: "success", returnValue: { stepNumber: 0, outcome } },
        context,
      });
      await ctx.runMutation(component.driving.giveUp, {
        ...context,
        stepNumber: 0,
        outcome,
      });
    });
    const [row] = await journal(t, id);
    expect(row).toMatchObject({ failedAttempts: 1, drivenBy: 2 });
    await drain();
    expect(times).toHaveLength(3);
  });
});

test("a suite comes to the end of a retried action that lets what has begun end and advances to the next timer, in turns", async () => {
  const t = newBackend({ execution: "driver" });
  attempts(2);
  const id = await startHandler(t, (step) => runAttempt(step, { retry: true }));
  for (let hops = 0; vi.getTimerCount() > 0 && hops < 1000; hops++) {
    vi.advanceTimersToNextTimer();
    await t.finishInProgressScheduledFunctions();
  }
  expect(await statusOf(t, id)).toMatchObject({ result: "attempt 3" });
});

describe("the retry policy comes from", () => {
  test("the manager: by default, with its own policy", async () => {
    const times = attempts();
    await run(newBackend(), {}, definitions.retriesByManager);
    expectBackoffs(times, [100, 300]);
  });

  test("retry: true takes the manager's policy", async () => {
    const times = attempts();
    await run(newBackend(), { retry: true }, definitions.retriesByManager);
    expect(times).toHaveLength(3);
  });

  test("the workflow wins over the manager", async () => {
    const times = attempts();
    await run(newBackend(), {}, definitions.retriesByWorkflow);
    expectBackoffs(times, [10]);
  });

  test("a workflow may say that its actions are not retried; the manager's policy stays for those that ask", async () => {
    const not = attempts();
    await run(newBackend(), {}, definitions.retriesNot);
    expect(not).toHaveLength(1);
    const asked = attempts();
    await run(newBackend(), { retry: true }, definitions.retriesNot);
    expect(asked).toHaveLength(3);
  });

  test("retryActionsByDefault without a policy is that of five attempts", async () => {
    const times = attempts();
    await run(newBackend(), {}, definitions.retriesByDefault);
    expect(times).toHaveLength(5);
  });

  test("the step wins over all", async () => {
    const not = attempts();
    await run(newBackend(), { retry: false }, definitions.retriesByWorkflow);
    expect(not).toHaveLength(1);
    const own = attempts();
    await run(
      newBackend(),
      { retry: { maxAttempts: 4, initialBackoffMs: 1, base: 1 } },
      definitions.retriesByWorkflow,
    );
    expect(own).toHaveLength(4);
  });
});

describe("NonRetryableError", () => {
  test("stops retries, and its message is the step's error", async () => {
    const times = attempts(
      Infinity,
      () => new NonRetryableError("card declined"),
    );
    const status = await run(newBackend(), { retry: true });
    expect(status).toEqual(failed("card declined"));
    expect(times).toHaveLength(1);
  });

  test("after attempts that failed otherwise", async () => {
    const times: number[] = [];
    script("action", "attempt", () => {
      if (times.push(1) === 2) throw new NonRetryableError("enough");
      throw noError();
    });
    const status = await run(newBackend(), { retry: true });
    expect(status).toEqual(failed("enough"));
    expect(times).toHaveLength(2);
  });

  test("without retries is an error like any other, from a mutation too", async () => {
    const t = newBackend();
    attempts(Infinity, () => new NonRetryableError("no"));
    script("mutation", "attempt", () => {
      throw new NonRetryableError("nor this");
    });
    const id = await startHandler(t, async (step) => {
      const message = (error: Error) => error.message;
      return [
        await runAttempt(step).catch(message),
        await step.runMutation(steps.mutation, call).catch(message),
      ];
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: ["no", "nor this"] });
  });
});

test.each([
  ["an object", { code: 402, tags: ["a"] }],
  ["a string", "out of money"],
  ["null", null],
])(
  "the ConvexError of the last attempt rejects the step with its data: %s",
  async (_what, data) => {
    const t = newBackend();
    const times = attempts(Infinity, () => new ConvexError(data));
    const id = await startHandler(t, async (step) => {
      try {
        await runAttempt(step, { retry: true });
      } catch (error) {
        return [error instanceof ConvexError, (error as any).data];
      }
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: [true, data] });
    expect(times).toHaveLength(5);
  },
);

const EXECUTIONS = ["driver", "pool"] as const;
const title = "an attempt whose outcome is unknown, as its process died: %s";
describe.each(EXECUTIONS)(title, (execution) => {
  /** Starts a run of one action, whose first attempt is reported dead long before it returns. */
  async function died(t: Backend, options?: Options, error?: string) {
    let started = 0;
    let revive!: (value: string) => void;
    script("action", "attempt", () => {
      started++;
      if (started > 1) return "again";
      return new Promise((resolve) => (revive = resolve));
    });
    const id = await startHandler(t, (step) => runAttempt(step, options));
    await advance(5000);
    await reportDeath(t, id, error);
    await advance(5000);
    // The pool under test waits for it.
    revive("too late");
    await drain();
    return { status: await statusOf(t, id), started };
  }

  async function reportDeath(
    t: Backend,
    workflowId: WorkflowId,
    error = "Worker died",
  ) {
    const [row] = await journal(t, workflowId);
    const { workId = "its job" } = row!.step as { workId?: string };
    const report = {
      workId: workId as never,
      result: { kind: "failed" as const, error },
    };
    const id = {
      workflowId: workflowId as string as Id<"workflows">,
      generationNumber: 0,
    };
    await inComponent(t, async (ctx) =>
      execution === "pool"
        ? await ctx.runMutation(component.pool.actionOnComplete, {
            ...report,
            context: { ...id, stepNumber: 0 },
          })
        : await ctx.runMutation(component.driving.onComplete, {
            ...report,
            context: { ...id, driver: 1 },
          }),
    );
  }

  test("fails the step with an error that says so", async () => {
    const { status, started } = await died(newBackend({ execution }));
    expect(status).toMatchObject({
      type: "failed",
      error: expect.stringMatching(
        /outcome is unknown, it may have run.*Worker died/,
      ) as string,
    });
    expect(started).toBe(1);
  });

  test("is a failed attempt, retried by its policy", async () => {
    const { status, started } = await died(newBackend({ execution }), {
      retry: true,
    });
    expect(status).toEqual(completed("again"));
    expect(started).toBe(2);
  });

  test("is no attempt if the platform refused to start the action", async () => {
    const t = newBackend({ execution });
    const refusal = "Too many concurrent requests in a short period of time.";
    const times = attempts(3, () => new Error(refusal));
    const id = await startHandler(t, (step) => runAttempt(step));
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ result: "attempt 4" });
    const [row] = await journal(t, id);
    expect(row!.failedAttempts).toBeUndefined();
    for (const [index, time] of times.slice(1).entries())
      expect(time - times[index]!).toBeGreaterThanOrEqual(1000);
  });

  test("is no attempt either if the pool could not start its job", async () => {
    const t = newBackend({ execution });
    const { status } = await died(t, {}, "Too many concurrent requests");
    expect(status).toEqual(completed("again"));
    const [row] = await rows(t, "steps");
    expect(row!.failedAttempts).toBeUndefined();
  });

  test("a report that arrives after the step's result changes nothing", async () => {
    const t = newBackend({ execution });
    const warned = vi.spyOn(console, "error");
    attempts(0);
    const id = await startHandler(t, (step) => runAttempt(step));
    await drain();
    const before = await journal(t, id);
    await reportDeath(t, id);
    await drain();
    expect(await journal(t, id)).toEqual(before);
    expect(warned).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe.each(["driver", "pool"] as const)(
  "an action that throws a RetryAfterError, %s,",
  (execution) => {
    const backend = () => newBackend({ execution });
    const MINUTE = 60_000;
    const slow = { maxAttempts: 3, initialBackoffMs: 1000, base: 1 };

    /** When the second attempt began, after the first. */
    async function pauseAfter(error: () => unknown) {
      const times = attempts(1, error);
      const status = await run(backend(), { retry: slow });
      expect(status).toEqual(completed("attempt 2"));
      return gaps(times)[0]!;
    }
    const expectPause = (pause: number, exact: number) => {
      expect(pause).toBeGreaterThanOrEqual(exact);
      expect(pause).toBeLessThan(exact + 1000);
    };

    test("is retried after `ms`, however long the policy's backoff is", async () => {
      const after = (ms: number) => pauseAfter(() => later({ ms }));
      expectPause(await after(10 * MINUTE), 10 * MINUTE);
      expectPause(await after(0), 0);
    });

    test("is retried at `at`, at once if that is past", async () => {
      const pause = await pauseAfter(() =>
        later({ at: Date.now() + 7 * MINUTE }),
      );
      expectPause(pause, 7 * MINUTE);
      expectPause(await pauseAfter(() => later({ at: 1000 })), 0);
    });

    test("isn't limited by maxBackoffMs, which is for the policy's backoff", async () => {
      const times = attempts(1, () => later({ ms: MINUTE }));
      await run(backend(), { retry: { ...slow, maxBackoffMs: 1 } });
      expectPause(gaps(times)[0]!, MINUTE);
    });

    test("gets no more attempts than its policy has, and then fails with its message", async () => {
      const times = attempts(Infinity, () => later({ ms: 1000 }));
      const status = await run(backend(), { retry: slow });
      expect(status).toEqual(failed("busy"));
      expect(times).toHaveLength(3);
    });

    test("without retries fails at once, and a mutation that throws one does too", async () => {
      const t = backend();
      const times = attempts(Infinity, () => later({ ms: 1 }));
      script("mutation", "attempt", () => {
        throw later({ ms: 1 });
      });
      const id = await startHandler(t, async (step) => {
        const message = (error: Error) => error.message;
        return [
          await runAttempt(step).catch(message),
          await step.runMutation(steps.mutation, call).catch(message),
          await step
            .runMutation(steps.mutation, call, { inline: true })
            .catch(message),
        ];
      });
      await drain();
      expect(await statusOf(t, id)).toEqual(
        completed(["busy", "busy", "busy"]),
      );
      expect(times).toHaveLength(1);
    });

    test("is known by its data, since it comes from another function", async () => {
      const pause = await pauseAfter(
        () => new ConvexError(later({ ms: MINUTE }).data),
      );
      expectPause(pause, MINUTE);
    });
  },
);

const later = (
  when: { ms: number; at?: undefined } | { at: number; ms?: undefined },
) => new RetryAfterError("busy", when);

test.each([[{}], [{ ms: NaN }], [{ ms: 1, at: 1 }], [undefined]])(
  "RetryAfterError refuses what is no time: %j",
  (when) => {
    expect(() => new RetryAfterError("busy", when as never)).toThrow(
      /^Invalid RetryAfterError "busy": expected \{ ms \} or \{ at \} in milliseconds, got /,
    );
  },
);

test.each(["driver", "pool"] as const)(
  "maxBackoffMs limits each pause, %s",
  async (execution) => {
    const times = attempts();
    await run(newBackend({ execution }), {
      retry: {
        maxAttempts: 6,
        initialBackoffMs: 60_000,
        base: 10,
        maxBackoffMs: 90_000,
      },
    });
    expect(times).toHaveLength(6);
    const [, ...limited] = gaps(times);
    for (const gap of limited) {
      expect(gap).toBeGreaterThan(44_000);
      expect(gap).toBeLessThan(92_000);
    }
  },
);

test("maxBackoffMs that is no time fails the step, and the error says so", async () => {
  attempts();
  const retry = { maxAttempts: 2, initialBackoffMs: 1, base: 1 };
  const status = await run(newBackend(), {
    retry: { ...retry, maxBackoffMs: -1 },
  });
  expect(status).toEqual(
    failed(
      'Invalid options of step "steps:action": retry.maxBackoffMs is -1. Expected milliseconds from 0.',
    ),
  );
});
