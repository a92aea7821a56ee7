import { describe, expect, test } from "vitest";
import * as client from "../../client/index.js";
import type { WorkflowId } from "../../client/index.js";
import {
  cancel,
  insertRun,
  insertSteps,
  restart,
} from "../../testing/managing.js";
import { act, echo, slow, takeTurn } from "../../testing/scenes.js";
import { recordResult } from "../step/completing.js";
import { executeAgain } from "../step/attempts.js";
import {
  advance,
  components,
  drain,
  inComponent,
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

useBackend();

const progressOf = async (t: Backend, id: WorkflowId) =>
  (await statusOf(t, id)).progress as unknown;

async function listed(t: Backend): Promise<unknown[]> {
  const { page } = await t.query((ctx) =>
    client.list(ctx, components.workflow),
  );
  return page.map(({ progress }) => progress as unknown);
}

describe.each(["driver", "pool"] as const)("setProgress, %s:", (execution) => {
  test("status and list show a copy of the handler's last value, even after the run ends", async () => {
    const t = newBackend({ execution });
    const id = await startHandler(t, async (step) => {
      const progress = { done: [0] };
      step.setProgress(progress);
      progress.done.push(1);
      await step.sleep(1000);
      step.setProgress(progress);
      await step.runMutation(steps.echo, { value: 1 });
      progress.done.push(2);
      step.setProgress(progress);
      await step.runAction(steps.echoAction, { value: 1 });
      await step.sleep(1000);
      progress.done.push(3);
      step.setProgress(progress);
      return "over";
    });
    expect(await progressOf(t, id)).toEqual({ done: [0] });
    expect(await listed(t)).toEqual([{ done: [0] }]);
    await advance(1800);
    expect(await progressOf(t, id)).toEqual({ done: [0, 1, 2] });
    await drain();
    const progress = { done: [0, 1, 2, 3] };
    const status = { type: "completed", result: "over", progress };
    expect(await statusOf(t, id)).toEqual(status);
    expect(await listed(t)).toEqual([progress]);
  });

  test("a replayed call changes nothing", async () => {
    const t = newBackend({ execution });
    let calls = 0;
    const id = await startHandler(t, async (step) => {
      step.setProgress(++calls);
      await step.runMutation(steps.echo, { value: 1 });
      await step.sleep(1000);
      await step.sleep(1000);
    });
    await advance(1500);
    expect(calls).toBeGreaterThan(1);
    expect(await progressOf(t, id)).toBe(1);
    await drain();
    expect(await progressOf(t, id)).toBe(1);
  });

  test("it isn't a step, so you can add a call to a handler with runs in flight", async () => {
    const t = newBackend({ execution });
    const id = await startHandler(t, (step) => step.sleep(1000));
    script("handler", "main", async (step) => {
      await step.sleep(1000);
      step.setProgress("new");
      return await step.runQuery(steps.echoQuery, { value: 2 });
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({
      type: "completed",
      result: 2,
      progress: "new",
    });
    expect(await rows(t, "steps")).toHaveLength(2);
  });

  test("the last call before the handler waits counts, even in branches and with inline steps", async () => {
    const t = newBackend({ execution });
    const { status } = await runHandler(t, async (step) => {
      const branch = async (n: number) => {
        await step.runMutation(steps.echo, { value: n }, { inline: true });
        step.setProgress({ inline: n });
        await step.sleep(100 * n);
        step.setProgress({ slept: n });
      };
      await Promise.all([branch(2), branch(1)]);
    });
    expect(status).toMatchObject({ progress: { slept: 2 } });
  });
});

test("a failed and a canceled run keep their progress", async () => {
  const t = newBackend();
  const { status } = await runHandler(t, (step) => {
    step.setProgress("half");
    throw new Error("no more");
  });
  expect(status).toMatchObject({ type: "failed", progress: "half" });
  const id = await startHandler(t, (step) => {
    step.setProgress("waiting");
    return step.sleep(1000);
  });
  await cancel(t, id);
  expect(await statusOf(t, id)).toEqual({
    type: "canceled",
    progress: "waiting",
  });
});

describe("while a driver executes a step, whose row holds the progress,", () => {
  /** A run whose driver executes an action that takes 5 s. */
  async function driven() {
    const t = newBackend();
    slow("slow", 5000);
    const id = await startHandler(t, async (step) => {
      step.setProgress("begun");
      await echo(step, 1);
      step.setProgress("acting");
      await act(step, "slow");
      step.setProgress("done");
      await step.sleep(60_000);
    });
    await advance(1000);
    const held = (await rows(t, "steps")).map(
      ({ progress }) => progress as unknown,
    );
    expect(held).toEqual([undefined, "acting"]);
    expect((await rows(t, "workflows"))[0]!.progress).not.toBe("acting");
    expect(await progressOf(t, id)).toBe("acting");
    expect(await listed(t)).toEqual(["acting"]);
    return { t, id };
  }

  const heldNow = async (t: Backend) =>
    (await rows(t, "steps")).flatMap(
      ({ progress }) => (progress as unknown) ?? [],
    );

  test("the turn that follows takes it over", async () => {
    const { t, id } = await driven();
    await advance(10_000);
    expect(await heldNow(t)).toEqual([]);
    expect(await progressOf(t, id)).toBe("done");
  });

  test("a cancel keeps it, and a restart begins without it", async () => {
    const { t, id } = await driven();
    await cancel(t, id);
    expect(await progressOf(t, id)).toBe("acting");
    expect(await listed(t)).toEqual(["acting"]);
    await restart(t, id, { from: 0 });
    expect(await progressOf(t, id)).toBe("begun");
  });

  test.each<[string, typeof executeAgain]>([
    ["the step keeps it until the workpool executes it instead", executeAgain],
    [
      "a result that is recorded without a turn returns it",
      (ctx, step) =>
        recordResult(ctx, step, {
          result: { kind: "success", returnValue: null },
        }),
    ],
  ])("%s", async (_what, change) => {
    const { t, id } = await driven();
    await inComponent(t, async (ctx) => {
      const row = (await ctx.db.query("steps").order("desc").first())!;
      const run = (await ctx.db.get("workflows", row.workflowId))!;
      await change(ctx, { row, run });
    });
    expect(await heldNow(t)).toEqual([]);
    expect(await progressOf(t, id)).toBe("acting");
    await advance(20_000);
    expect(await progressOf(t, id)).toBe("done");
  });
});

describe("a driver's turn", () => {
  test("may set progress after it asked for the driver's next step, and the next turn doesn't undo that", async () => {
    const t = newBackend({ execution: "driver" });
    slow("short", 1000);
    slow("long", 5000);
    const id = await startHandler(t, async (step) => {
      await act(step, "short");
      await act(step, "short");
      step.setProgress("asked");
      const asked = act(step, "long");
      const tooLarge = "x".repeat(3 << 20);
      await echo(step, tooLarge).catch(() => step.setProgress("refused"));
      await asked;
      await act(step, "long");
    });
    await advance(5000);
    expect(await progressOf(t, id)).toBe("refused");
    await advance(5000);
    expect(await progressOf(t, id)).toBe("refused");
    await drain();
    expect(await statusOf(t, id)).toMatchObject({
      type: "completed",
      progress: "refused",
    });
  });

  test("that ends the run without its handler keeps the progress", async () => {
    const t = newBackend({ execution: "driver" });
    const large = "x".repeat(780_000);
    script("action", "large", () => large);
    script("handler", "main", async (step) => {
      for (let value = 0; value < 10; value++) await echo(step, value);
      step.setProgress("almost");
      await act(step, "large");
    });
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 10 }, () => ({
      step: { runResult: { kind: "success", returnValue: large } },
    }));
    await takeTurn(t, id);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({
      type: "failed",
      error: expect.stringContaining("is too large") as string,
      progress: "almost",
    });
  });
});

test("a run of 0.4 has no progress until it sets one, which doesn't change its journal", async () => {
  const t = newBackend();
  const id = await insertRun(t, { engineVersion: undefined });
  expect(Object.keys(await statusOf(t, id))).not.toContain("progress");
  script("handler", "main", async (step) => {
    step.setProgress("begun");
    await step.sleep(1000);
    step.setProgress("rested");
    await step.sleep(1000);
  });
  await t.mutation((ctx) =>
    ctx.runMutation(workflows.workflow, {
      workflowId: id,
      generationNumber: 0,
    } as never),
  );
  expect(await progressOf(t, id)).toBe("begun");
  await advance(1500);
  expect(await progressOf(t, id)).toBe("rested");
  expect(await rows(t, "steps")).toHaveLength(2);
});

describe("a restart", () => {
  test("shows the progress of the step from which it begins", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async (step) => {
      for (let n = 0; n < 4; n++) {
        step.setProgress(n);
        await step.sleep(1000);
      }
      step.setProgress("all");
    });
    expect(await progressOf(t, workflowId)).toBe("all");
    await restart(t, workflowId, { from: 2 });
    expect(await progressOf(t, workflowId)).toBe(2);
    await advance(1500);
    expect(await progressOf(t, workflowId)).toBe(3);
    await drain();
    await restart(t, workflowId, { from: 0 });
    expect(await progressOf(t, workflowId)).toBe(0);
  });

  test("or a cancel during a turn discards the progress that the turn sets", async () => {
    const t = newBackend();
    script("mutation", "restarts", async (ctx, id) => {
      await client.cancel(ctx, components.workflow, id as WorkflowId);
    });
    const id = await startHandler(t, async (step) => {
      step.setProgress("before");
      await step.sleep(1000);
      step.setProgress("fenced");
      await step.runMutation(
        steps.mutation,
        { name: "restarts", input: step.workflowId },
        { inline: true },
      );
      step.setProgress("never");
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "canceled" });
    expect(await progressOf(t, id)).toBe("before");
  });
});

describe("an invalid value is refused at the call and keeps the last one, which may have up to 4 KiB:", () => {
  const good = "x".repeat(4096 - 8);

  test.each<[string, unknown, RegExp]>([
    [
      "too large",
      "x".repeat(4096),
      /The progress is too large: 4\d\d\d bytes, the maximum is 4096 bytes/,
    ],
    [
      "of a kind that Convex can't store",
      { at: new Map() },
      /Invalid progress: \.at is a Map/,
    ],
    ["undefined", undefined, /Invalid progress: /],
    ["half a character", "\ud800", /The progress can't be stored/],
  ])("%s", async (_, value, message) => {
    const t = newBackend();
    const { status } = await runHandler(t, async (step) => {
      step.setProgress(good);
      try {
        step.setProgress(value as never);
      } catch (error) {
        await step.sleep(1);
        return String(error);
      }
      return "accepted";
    });
    expect(status).toMatchObject({
      result: expect.stringMatching(message) as string,
      progress: good,
    });
  });
});

test("progress that doesn't fit into a row with arguments or result is omitted, and the run continues", async () => {
  const t = newBackend();
  const large = "x".repeat((1 << 20) - 5 * 1024);
  const end = async (result: unknown, options?: { input: string }) => {
    const { status } = await runHandler(
      t,
      async (step) => {
        step.setProgress("y".repeat(4000));
        await step.sleep(1000);
        return result;
      },
      options,
    );
    return status;
  };
  const type = "completed";
  expect(await end(null, { input: large })).toEqual({ type, result: null });
  expect(await end(large)).toEqual({ type, result: large });
});
