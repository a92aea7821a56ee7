import { describe, expect, test } from "vitest";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import {
  advance,
  drain,
  effects,
  inComponent,
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
import { listenToConsole } from "../../testing/managing.js";

// What the platform refuses to start, as it has no room for it, has not begun.

useBackend();
const heard = listenToConsole();

const REFUSALS = [
  "Too many concurrent requests. Your backend is limited to 16 concurrent mutations.",
  "There are no available workers to process the request",
  "Couldn't acquire a permit on this funrun",
  "Selected isolate was not clean",
  "Too many writes per second. Your deployment is limited to 4 MiB per second.",
];

/** A backend that refuses some calls, the first few times. */
function refusing(
  execution: "driver" | "pool",
  message: string,
  times: number,
  refuses: (call: WatchedCall) => boolean,
) {
  let left = times;
  const at: number[] = [];
  const calls = new Calls((call) => {
    if (!refuses(call)) return;
    at.push(Date.now());
    if (left-- > 0) throw new Error(message);
  });
  return { t: newBackend({ execution, wrap: calls.wrap }), at };
}

const gaps = (times: number[]) =>
  times.slice(1).map((time, index) => time - times[index]!);

describe.each(REFUSALS)("“%s”", (message) => {
  test("of a driver's turn: the driver retries it after a pause", async () => {
    const { t, at } = refusing(
      "driver",
      message,
      2,
      ({ component, args }) =>
        component === "" &&
        (args["drive"] as { stepNumber?: number } | undefined)?.stepNumber ===
          1,
    );
    const id = await startHandler(t, async (step) => {
      for (let i = 0; i < 3; i++)
        await step.runMutation(steps.echo, { value: i });
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(await effects(t)).toEqual([0, 1, 2]);
    expect((await rows(t, "workflows"))[0]).toMatchObject({ drivers: 1 });
    expect(at).toHaveLength(3);
    for (const gap of gaps(at)) expect(gap).toBeGreaterThanOrEqual(100);
    expect(heard.said).toEqual([]);
  });

  test.each(["driver", "pool"] as const)(
    "of an action (%s): the action starts after a pause, and that is its first attempt",
    async (execution) => {
      const { t, at } = refusing(
        execution,
        message,
        2,
        ({ component, path }) => component === "" && path === "steps:action",
      );
      let begun = 0;
      script("action", "act", () => `begun ${++begun}`);
      const id = await startHandler(t, (step) =>
        step.runAction(steps.action, { name: "act" }),
      );
      await drain();
      expect(await statusOf(t, id)).toEqual({
        type: "completed",
        result: "begun 1",
      });
      const [row] = await journal(t, id);
      expect(row!.failedAttempts).toBeUndefined();
      expect(at).toHaveLength(3);
      for (const gap of gaps(at)) expect(gap).toBeGreaterThanOrEqual(100);
    },
  );
});

test("a driver that the pool could not start leaves its mutation to the pool, after a pause", async () => {
  const t = newBackend({ execution: "driver" });
  await inComponent(t, (ctx) =>
    ctx.runMutation(internal.utils.updateConfig, { maxParallelism: 0 }),
  );
  const id = await startHandler(t, (step) =>
    step.runMutation(steps.echo, { value: 1 }),
  );
  await inComponent(t, (ctx) =>
    ctx.runMutation(internal.driving.onComplete, {
      workId: "its job" as never,
      result: { kind: "failed", error: REFUSALS[0]! },
      context: {
        workflowId: id as string as Id<"workflows">,
        generationNumber: 0,
        driver: 1,
      },
    }),
  );
  await inComponent(t, (ctx) =>
    ctx.runMutation(internal.utils.updateConfig, { maxParallelism: 5 }),
  );
  await advance(900);
  expect(await effects(t)).toEqual([]);
  await drain();
  expect(await effects(t)).toEqual([1]);
});
