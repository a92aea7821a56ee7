import { describe, expect, test, vi } from "vitest";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import {
  advance,
  drain,
  effects,
  journal,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { Calls, type WatchedCall } from "../../testing/calls.js";
import { callInternal, listenToConsole } from "../../testing/managing.js";
import { completed } from "../../testing/statuses.js";
import { insist, wasRefused } from "./platformErrors.js";

// A call that the platform refuses for lack of capacity hasn't begun.

useBackend();
const heard = listenToConsole();

const REFUSALS = [
  "Too many concurrent requests. Your backend is limited to 64 concurrent actions. To get more resources, upgrade to Convex Pro.",
  "Too many concurrent requests in a short period of time. Spread your requests out over time or throttle them to avoid errors.",
  "There are no available workers to process the request",
  "Couldn't acquire a permit on this funrun",
  "Selected isolate was not clean",
  "Too many writes per second. Your deployment is limited to 4 MiB per second.",
];
const CONFLICT =
  "Documents read from or written to the table changed while this mutation was being run";

const gaps = (times: number[]) =>
  times.slice(1).map((time, index) => time - times[index]!);

test.each(REFUSALS)("the platform's refusal is recognised: %s", (error) => {
  expect(wasRefused(error)).toBe(true);
  // A function's own error.
  expect(wasRefused(`Uncaught Error: ${error}`)).toBe(false);
});

test.each<
  [
    string,
    { error: string; failures: number; pauses: number[]; result: string },
  ]
>([
  [
    "is refused is repeated after a pause that grows",
    {
      error: REFUSALS[2]!,
      failures: 3,
      pauses: [250, 500, 1000],
      result: "done",
    },
  ],
  [
    "meets a conflict is repeated after a pause that grows",
    { error: CONFLICT, failures: 3, pauses: [250, 500, 1000], result: "done" },
  ],
  [
    "is refused each time is made as often as configured, and then fails with its last error",
    {
      error: REFUSALS[0]!,
      failures: 9,
      pauses: [250, 500, 1000],
      result: REFUSALS[0]!,
    },
  ],
  [
    "fails otherwise is not repeated",
    { error: "boom", failures: 1, pauses: [], result: "boom" },
  ],
])("a call of an action's that %s", async (_what, scene) => {
  const { error, failures, pauses, result } = scene;
  const at: number[] = [];
  const insisting = insist(4, async (before) => {
    at.push(Date.now());
    if (before < failures) throw new Error(error);
    return "done";
  }).catch((thrown: Error) => thrown.message);
  await vi.runAllTimersAsync();
  expect(await insisting).toBe(result);
  expect(gaps(at)).toHaveLength(pauses.length);
  for (const [index, pause] of gaps(at).entries()) {
    expect(pause).toBeGreaterThanOrEqual(0.5 * pauses[index]!);
    expect(pause).toBeLessThanOrEqual(1.5 * pauses[index]! + 1);
  }
});

// The test above says which errors are refusals. Once recognised, they are alike.
describe("a refusal", () => {
  /** Creates a backend that refuses some calls twice. */
  function refusing(
    execution: "driver" | "pool",
    refuses: (call: WatchedCall) => boolean,
  ) {
    const at: number[] = [];
    const calls = new Calls((call) => {
      if (refuses(call) && at.push(Date.now()) <= 2)
        throw new Error(REFUSALS[3]);
    });
    const t = newBackend({ execution, wrap: calls.wrap });
    const expectPauses = (leastMs: number) => {
      expect(at).toHaveLength(3);
      for (const gap of gaps(at)) expect(gap).toBeGreaterThanOrEqual(leastMs);
    };
    return { t, expectPauses };
  }

  test("of a driver's turn lets the driver retry it after a backoff", async () => {
    type Drive = { stepNumber?: number } | undefined;
    const { t, expectPauses } = refusing(
      "driver",
      ({ component, args }) =>
        component === "" && (args["drive"] as Drive)?.stepNumber === 1,
    );
    const id = await startHandler(t, async (step) => {
      for (let value = 0; value < 3; value++)
        await step.runMutation(steps.echo, { value });
    });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(null));
    expect(await effects(t)).toEqual([0, 1, 2]);
    expect(await rows(t, "workflows")).toMatchObject([{ drivers: 1 }]);
    expectPauses(100);
    expect(heard.said).toEqual([]);
  });

  test.each(["driver", "pool"] as const)(
    "of an action (%s) delays its first attempt",
    async (execution) => {
      const { t, expectPauses } = refusing(
        execution,
        ({ component, path }) => component === "" && path === "steps:action",
      );
      let begun = 0;
      script("action", "act", () => `begun ${++begun}`);
      const id = await startHandler(t, (step) =>
        step.runAction(steps.action, { name: "act" }),
      );
      await drain();
      expect(await statusOf(t, id)).toEqual(completed("begun 1"));
      const [row] = await journal(t, id);
      expect(row!.failedAttempts).toBeUndefined();
      expectPauses(1000);
    },
  );
});

test("if the pool can't start a driver, its mutation runs in the pool after a backoff", async () => {
  const t = newBackend({ execution: "driver" });
  const allow = (maxParallelism: number) =>
    callInternal(t, internal.utils.updateConfig, { maxParallelism });
  await allow(0);
  const id = await startHandler(t, (step) =>
    step.runMutation(steps.echo, { value: 1 }),
  );
  await callInternal(t, internal.driving.onComplete, {
    workId: "its job" as never,
    result: { kind: "failed", error: REFUSALS[0]! },
    context: {
      workflowId: id as string as Id<"workflows">,
      generationNumber: 0,
      driver: 1,
    },
  });
  await allow(5);
  await advance(900);
  expect(await effects(t)).toEqual([]);
  await drain();
  expect(await effects(t)).toEqual([1]);
});
