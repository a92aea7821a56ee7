import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  effects,
  journal,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { Calls } from "../../testing/calls.js";
import {
  act,
  child,
  configure,
  echo,
  MINUTE,
  slow,
} from "../../testing/scenes.js";
import { completed } from "../../testing/statuses.js";

useBackend();

const theRun = async (t: Backend) => (await rows(t, "workflows"))[0]!;

/** What of a journal is the same however its steps are executed. */
async function comparable(t: Backend, workflowId: string) {
  return (await journal(t, workflowId)).map(
    ({ stepNumber, step, delivery, failure }) => ({
      stepNumber,
      name: step.name,
      result: step.runResult,
      delivery,
      failure,
    }),
  );
}

const chain: Handler = async (step) => {
  const found: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    found.push(await echo(step, i));
    found.push(await step.runQuery(steps.echoQuery, { value: i }));
    found.push(await step.runAction(steps.echoAction, { value: i }));
  }
  await step.runMutation(steps.fail, { message: "no" }).catch(() => undefined);
  return found;
};

describe("a chain of steps", () => {
  test("has one driver until its first action and one from then on, and leaves the journal that jobs of the pool do", async () => {
    const driven = newBackend({ execution: "driver" });
    const first = await runHandler(driven, chain);
    expect(await theRun(driven)).toMatchObject({ drivers: 2 });
    const pooled = newBackend({ execution: "pool" });
    const second = await runHandler(pooled, chain);
    expect((await theRun(pooled)).drivers).toBeUndefined();
    expect(first.status).toEqual(second.status);
    expect(await comparable(driven, first.workflowId)).toEqual(
      await comparable(pooled, second.workflowId),
    );
  });

  test("goes to another driver after a minute, so that long chains share the pool", async () => {
    const t = newBackend({ execution: "driver" });
    const begun = slow("slow", 40_000);
    const { status, workflowId } = await runHandler(t, async (step) => {
      for (let i = 0; i < 4; i++) await act(step, "slow");
      return "done";
    });
    expect(status).toEqual(completed("done"));
    expect(begun).toHaveLength(4);
    const found = await journal(t, workflowId);
    expect(found.map(({ drivenBy }) => drivenBy)).toEqual([1, 1, 2, 2]);
    const { drivers, driver } = await theRun(t);
    expect({ drivers, driver }).toEqual({ drivers: 2, driver: undefined });
  });
});

describe("goes to the pool, and no driver waits for it:", () => {
  test.each<[string, Handler]>([
    [
      "a step that is to start later",
      (step) => echo(step, 1, { runAfter: 5000 }),
    ],
    [
      "each of several steps",
      (step) =>
        Promise.all([
          echo(step, 1),
          step.runQuery(steps.echoQuery, { value: 1 }),
        ]),
    ],
    [
      "a step beside a child",
      (step) => Promise.all([child(step), echo(step, 1)]),
    ],
    [
      "a step beside one that is in flight already",
      async (step) => {
        const slow = echo(step, 1, { runAfter: 5000 });
        await step.sleep(10);
        await echo(step, 2);
        await slow;
      },
    ],
  ])("%s", async (_what, handler) => {
    const t = newBackend({ execution: "driver" });
    script("handler", "child", (step) => step.sleep(1000));
    const { workflowId, status } = await runHandler(t, handler);
    expect(status).toMatchObject({ type: "completed" });
    for (const { step, drivenBy } of await journal(t, workflowId))
      if ("functionType" in step)
        expect([drivenBy, typeof step.workId]).toEqual([undefined, "string"]);
    expect((await theRun(t)).driver).toBeUndefined();
  });
});

describe("while a driver executes an action", () => {
  test("a sleep that ends first is delivered first, and the driver continues with the changed journal", async () => {
    const t = newBackend({ execution: "driver" });
    slow("slow", 1000);
    const { workflowId, status } = await runHandler(t, async (step) => {
      // From here on it holds a copy of the journal.
      await step.runAction(steps.echoAction, { value: 0 });
      const slept = step.sleep(500).then(() => "slept");
      const acted = act(step, "slow");
      const first = await Promise.race([slept, acted]);
      return [first, await acted, await echo(step, 1)];
    });
    expect(status).toMatchObject({ result: ["slept", "slow", 1] });
    const orders = (await journal(t, workflowId)).map((row) => row.delivery);
    expect(orders.map((place) => place?.order)).toEqual([0, 1, 2, 3]);
  });

  test("a run that ends without the action still records it", async () => {
    const t = newBackend({ execution: "driver" });
    slow("slow", 5000);
    const { workflowId, status } = await runHandler(t, async (step) => {
      const acted = act(step, "slow");
      return await Promise.race([step.sleep(10).then(() => "slept"), acted]);
    });
    expect(status).toMatchObject({ result: "slept" });
    const [action] = await journal(t, workflowId);
    expect(action!.step.runResult).toEqual({
      kind: "success",
      returnValue: "slow",
    });
    expect((await theRun(t)).driver).toBeUndefined();
  });
});

test.each(["mutation", "action"] as const)(
  "a %s asked for by the turn that ends the run is executed",
  async (type) => {
    const t = newBackend({ execution: "driver" });
    const begun = slow("slow", 10);
    const { workflowId } = await runHandler(t, async (step) => {
      await echo(step, 1);
      if (type === "mutation") void echo(step, 2);
      else void act(step, "slow");
      return "done";
    });
    const last = (await journal(t, workflowId)).at(-1)!;
    expect(last.step.runResult).toMatchObject({ kind: "success" });
    expect(
      type === "mutation" ? (await effects(t)).length : 1 + begun.length,
    ).toBe(2);
    expect((await theRun(t)).driver).toBeUndefined();
  },
);

describe("a driver that waits for its turn in the pool", () => {
  test("is not replaced when it has begun just before it is checked", async () => {
    let refusals = 3;
    const tried: number[] = [];
    const calls = new Calls(({ component, args }) => {
      if (component !== "" || !args["drive"]) return;
      tried.push(Date.now());
      if (refusals-- > 0) throw new Error("Too many concurrent requests");
    });
    const t = newBackend({ execution: "driver", wrap: calls.wrap });
    await configure(t, { maxParallelism: 0 });
    const began = Date.now();
    const workflowId = await startHandler(t, (step) => echo(step, 1));
    // The watchdog looks after one minute and after two.
    const checkedAt = began + 2 * MINUTE;
    await advance(2 * MINUTE - 800);
    await configure(t, { maxParallelism: 5 });
    await advance(MINUTE);
    expect(tried[0]).toBeLessThan(checkedAt);
    expect(tried.at(-1)).toBeGreaterThan(checkedAt);
    expect(await statusOf(t, workflowId)).toMatchObject({ result: 1 });
    expect(await journal(t, workflowId)).toMatchObject([{ drivenBy: 1 }]);
  });
});
