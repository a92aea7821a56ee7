import { ConvexError } from "convex/values";
import { describe, expect, test, vi } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import { internal } from "../../testing/app/_generated/api.js";
import {
  advance,
  drain,
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
import type { RetryBehavior } from "../../shared/retry.js";
import { completed, failed } from "../../testing/statuses.js";
import {
  callInternal,
  cancel,
  listenToConsole,
  reportDeath,
} from "../../testing/managing.js";
import {
  NonRetryableError,
  RetryAfterError,
  start,
  type WorkflowCtx,
} from "../../client/index.js";
import { HOUR, MINUTE } from "../../testing/units.js";

useBackend();
listenToConsole();

const { definitions } = internal;
const call = { name: "attempt" };
const noError = () => new Error("not this time");

/** Scripts an action that fails `failures` times, and collects the start of each attempt. */
function attempts(failures = Infinity, error: () => unknown = noError) {
  const times: number[] = [];
  script("action", "attempt", () => {
    times.push(Date.now());
    if (times.length <= failures) throw error();
    return `attempt ${times.length}`;
  });
  return times;
}

type Retry = boolean | RetryBehavior;
const runAttempt = (step: WorkflowCtx, retry?: Retry) =>
  step.runAction(steps.action, call, { retry });

/** Runs a workflow's action step to its end. */
async function run(
  t: Backend,
  retry?: Retry,
  workflow: typeof workflows.workflow = workflows.workflow,
) {
  script("handler", "main", (step) => runAttempt(step, retry));
  const id = await t.mutation((ctx) =>
    start(ctx, workflow, { handler: "main" }),
  );
  await drain();
  return await statusOf(t, id);
}

const gaps = (times: number[]) =>
  times.slice(1).map((time, at) => time - times[at]!);

/**
 * Delays are between half and one and a half of the policy's. The pool may start up to one time unit earlier, and
 * adds its own latency.
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
const EXECUTIONS = ["driver", "pool"] as const;

const policy = (maxAttempts: number, initialBackoffMs: number, base = 1) => ({
  maxAttempts,
  initialBackoffMs,
  base,
});
const doubling = (initialBackoffMs: number) => policy(3, initialBackoffMs, 2);

const STANDARD = [500, 1000, 2000, 4000];

/** Returns the backoffs of a step without `retry`, and of one that passes true. */
const workflowsWithPauses: [string, unknown, number[], number[]][] = [
  ["defined without a policy", workflows.workflow, [], STANDARD],
  [
    "whose manager retries by default",
    definitions.retriesByManager,
    [100, 300],
    [100, 300],
  ],
  ["with a policy of its own", definitions.retriesByWorkflow, [10], [10]],
  [
    "that doesn't retry, although its manager has a policy",
    definitions.retriesNot,
    [],
    [100, 300],
  ],
  [
    "with retryActionsByDefault and no policy",
    definitions.retriesByDefault,
    STANDARD,
    STANDARD,
  ],
];

describe.each(workflowsWithPauses)(
  "an action of a workflow %s",
  (_which, workflow, byDefault, asked) => {
    test.each<[string, Retry | undefined, number[]]>([
      ["without an option", undefined, byDefault],
      ["with retry: true", true, asked],
      ["not at all with retry: false", false, []],
      ["by a policy of its own", policy(3, 10_000, 3), [10_000, 30_000]],
      ["not at all with maxAttempts: 1", policy(1, 1), []],
    ])("is retried as documented, %s", async (_how, retry, pauses) => {
      const times = attempts();
      const status = await run(newBackend(), retry, workflow as never);
      expect(status).toEqual(failed("not this time"));
      expectBackoffs(times, pauses);
    });
  },
);

describe("how often and when", () => {
  test("delays vary, so that steps that failed together aren't retried together", async () => {
    const times: Record<string, number[]> = {};
    script("action", "attempt", (_ctx, at: string) => {
      (times[at] ??= []).push(Date.now());
      throw noError();
    });
    const t = newBackend();
    const retry = policy(2, 100_000);
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

  test("queries, mutations and nested workflows are never retried by defaults", async () => {
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
  const configure = (
    t: Backend,
    config: { maxParallelism?: number; execution?: "pool" },
  ) => callInternal(t, component.utils.updateConfig, config);

  /** Starts a run with one action, which fails `failures` times, with backoffs that double. */
  async function begin(initialBackoffMs: number, failures?: number) {
    const t = newBackend({ execution: "driver" });
    const times = attempts(failures);
    const id = await startHandler(t, async (step) => [
      await runAttempt(step, doubling(initialBackoffMs)),
      await step.runMutation(steps.echo, { value: 1 }),
    ]);
    const expectResult = async (result: string) =>
      expect(await statusOf(t, id)).toEqual(completed([result, 1]));
    return { t, id, times, expectResult };
  }

  test.each([400, HOUR])(
    "no driver waits, not even %d ms, because another one is scheduled for each attempt",
    async (pause) => {
      const { t, id, times, expectResult } = await begin(pause, 2);
      await drain();
      await expectResult("attempt 3");
      const [first, second] = await journal(t, id);
      expect(first).toMatchObject({ drivenBy: 3, failedAttempts: 2 });
      // The driver continued the run.
      expect(second).toMatchObject({ drivenBy: 3 });
      expect(await rows(t, "workflows")).toMatchObject([{ drivers: 3 }]);
      expectBackoffs(times, [pause, 2 * pause]);
    },
  );

  test("a run doesn't count towards runs with drivers", async () => {
    const t = newBackend({ execution: "driver" });
    attempts(5);
    for (let i = 0; i < 5; i++)
      await startHandler(t, (step) => runAttempt(step, doubling(HOUR)));
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
    await advance(MINUTE);
    const row = (await rows(t, "workflows")).find(
      ({ _id }) => _id === (id as string),
    );
    expect(row).toMatchObject({ drivers: 1, runResult: { kind: "success" } });
  });

  test("another run may use the only pool slot, a paused pool delays the attempt, and a cancel ends the retries", async () => {
    const { t, id, times } = await begin(HOUR);
    await configure(t, { maxParallelism: 1 });
    await advance(5000);
    const other = await startHandler(
      t,
      (step) => step.runAction(steps.echoAction, { value: 1 }),
      { name: "other" },
    );
    await advance(5000);
    expect(await statusOf(t, other)).toEqual(completed(1));
    await configure(t, { maxParallelism: 0 });
    await advance(2 * HOUR);
    expect(times).toHaveLength(1);
    await configure(t, { maxParallelism: 5 });
    await advance(5000);
    expect(times).toHaveLength(2);
    await cancel(t, id);
    await drain();
    expect(times).toHaveLength(2);
  });

  test("a run that is switched to the pool continues there", async () => {
    const { t, id } = await begin(1000);
    script("action", "attempt", async () => {
      await new Promise((end) => setTimeout(end, 5000));
      throw noError();
    });
    await advance(2000);
    await configure(t, { execution: "pool" });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await rows(t, "workflows")).toMatchObject([{ drivers: 1 }]);
    const [row] = await journal(t, id);
    expect(row).toMatchObject({ failedAttempts: 2 });
    expect(row?.drivenBy).toBeUndefined();
  });

  test("a failure counts once even if it is reported several times", async () => {
    const { t, id, times } = await begin(HOUR);
    await advance(5000);
    const context = {
      workflowId: id as string as Id<"workflows">,
      generationNumber: 0,
      driver: 1,
    };
    const outcome = { kind: "failed" as const, error: "not this time" };
    await callInternal(t, component.driving.onComplete, {
      workId: "its job" as never,
      result: { kind: "success", returnValue: { stepNumber: 0, outcome } },
      context,
    });
    await callInternal(t, component.driving.fallBackToPool, {
      ...context,
      stepNumber: 0,
      outcome,
    });
    const [row] = await journal(t, id);
    expect(row).toMatchObject({ failedAttempts: 1, drivenBy: 2 });
    await drain();
    expect(times).toHaveLength(3);
  });
});

test("a retried action ends in a test that alternately finishes running functions and advances to the next timer", async () => {
  const t = newBackend({ execution: "driver" });
  attempts(2);
  const id = await startHandler(t, (step) => runAttempt(step, true));
  for (let hops = 0; vi.getTimerCount() > 0 && hops < 1000; hops++) {
    vi.advanceTimersToNextTimer();
    await t.finishInProgressScheduledFunctions();
  }
  expect(await statusOf(t, id)).toMatchObject({ result: "attempt 3" });
});

test.each([
  [1, "card declined"],
  [2, "enough"],
])(
  "a NonRetryableError stops retries at attempt %d, and its message is the step's error",
  async (count, message) => {
    const times: number[] = attempts(Infinity, () =>
      times.length < count ? noError() : new NonRetryableError(message),
    );
    expect(await run(newBackend(), true)).toEqual(failed(message));
    expect(times).toHaveLength(count);
  },
);

const title = "an attempt whose outcome is unknown, as its process died: %s";
describe.each(EXECUTIONS)(title, (execution) => {
  /** Starts a run with one action, whose first attempt is reported as crashed long before it returns. */
  async function died(t: Backend, retry?: Retry, error?: string) {
    let started = 0;
    let revive!: (value: string) => void;
    script("action", "attempt", () => {
      started++;
      if (started > 1) return "again";
      return new Promise((resolve) => (revive = resolve));
    });
    const id = await startHandler(t, (step) => runAttempt(step, retry));
    await advance(5000);
    await reportDeath(t, id, execution, error);
    await advance(5000);
    // The pool waits for this action.
    revive("too late");
    await drain();
    return { status: await statusOf(t, id), started };
  }

  test("fails the step with an error that says so", async () => {
    const { status, started } = await died(newBackend({ execution }));
    const error = /outcome is unknown, it may have run.*Worker died/;
    expect(status).toEqual(failed(expect.stringMatching(error)));
    expect(started).toBe(1);
  });

  test.each<[string, Retry, string | undefined, 1 | undefined]>([
    ["a failed attempt, retried by its policy", true, undefined, 1],
    [
      "no attempt if the pool could not start its job",
      false,
      "Too many concurrent requests",
      undefined,
    ],
  ])("is %s", async (_what, retry, error, failedAttempts) => {
    const t = newBackend({ execution });
    const { status, started } = await died(t, retry, error);
    expect(status).toEqual(completed("again"));
    expect(started).toBe(2);
    const [row] = await rows(t, "steps");
    expect(row!.failedAttempts).toBe(failedAttempts);
  });

  test("a report that arrives after the step's result changes nothing", async () => {
    const t = newBackend({ execution });
    const warned = vi.spyOn(console, "error");
    attempts(0);
    const id = await startHandler(t, (step) => runAttempt(step));
    await drain();
    const before = await journal(t, id);
    await reportDeath(t, id, execution);
    await drain();
    expect(await journal(t, id)).toEqual(before);
    expect(warned).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

/** Returns the first attempt's error, and the time until the second one begins. */
const pauses: [string, () => unknown, number, Partial<RetryBehavior>?][] = [
  [
    "after `ms`, however long the policy's backoff is",
    () => later({ ms: 10 * MINUTE }),
    10 * MINUTE,
  ],
  ["after an `ms` of 0 at once", () => later({ ms: 0 }), 0],
  ["at `at`", () => later({ at: Date.now() + 7 * MINUTE }), 7 * MINUTE],
  ["at once if `at` is past", () => later({ at: 1000 }), 0],
  [
    "after `ms` beyond maxBackoffMs, which is for the policy's backoff",
    () => later({ ms: MINUTE }),
    MINUTE,
    { maxBackoffMs: 1 },
  ],
  [
    "after `ms` if only its data is left, since it comes from another function",
    () => new ConvexError(later({ ms: MINUTE }).data),
    MINUTE,
  ],
];

describe.each(EXECUTIONS)(
  "an action that throws a RetryAfterError, %s,",
  (execution) => {
    const slow = policy(3, 1000);

    test.each(pauses)("is retried %s", async (_when, error, exact, limit) => {
      const times = attempts(1, error);
      const status = await run(newBackend({ execution }), {
        ...slow,
        ...limit,
      });
      expect(status).toEqual(completed("attempt 2"));
      const [pause] = gaps(times);
      expect(pause).toBeGreaterThanOrEqual(exact);
      expect(pause).toBeLessThan(exact + 1000);
    });

    test("gets no more attempts than its policy allows, then fails with its message", async () => {
      const times = attempts(Infinity, () => later({ ms: 1000 }));
      const status = await run(newBackend({ execution }), slow);
      expect(status).toEqual(failed("busy"));
      expect(times).toHaveLength(3);
    });
  },
);

const message = (thrown: Error) => thrown.message;

test.each([
  ["RetryAfterError", "driver"],
  ["RetryAfterError", "pool"],
  ["NonRetryableError", "driver"],
] as const)(
  "a %s without retries is an ordinary error, even from a mutation (%s)",
  async (which, execution) => {
    const error = () =>
      which === "RetryAfterError"
        ? later({ ms: 1 })
        : new NonRetryableError("busy");
    const times = attempts(Infinity, error);
    script("mutation", "attempt", () => {
      throw error();
    });
    const t = newBackend({ execution });
    const { status } = await runHandler(t, async (step) => [
      await runAttempt(step).catch(message),
      await step.runMutation(steps.mutation, call).catch(message),
      await step
        .runMutation(steps.mutation, call, { inline: true })
        .catch(message),
    ]);
    expect(status).toEqual(completed(["busy", "busy", "busy"]));
    expect(times).toHaveLength(1);
  },
);

const later = (
  when: { ms: number; at?: undefined } | { at: number; ms?: undefined },
) => new RetryAfterError("busy", when);

test.each([[{}], [{ ms: NaN }], [{ ms: 1, at: 1 }], [undefined]])(
  "RetryAfterError refuses an invalid time: %j",
  (when) => {
    expect(() => new RetryAfterError("busy", when as never)).toThrow(
      /^Invalid RetryAfterError "busy": expected \{ ms \} or \{ at \} in milliseconds, got /,
    );
  },
);

test.each(EXECUTIONS)(
  "maxBackoffMs limits each backoff, %s",
  async (execution) => {
    const times = attempts();
    await run(newBackend({ execution }), {
      ...policy(6, MINUTE, 10),
      maxBackoffMs: 90_000,
    });
    expect(times).toHaveLength(6);
    const [, ...limited] = gaps(times);
    for (const gap of limited) {
      expect(gap).toBeGreaterThan(44_000);
      expect(gap).toBeLessThan(92_000);
    }
  },
);
