import { createFunctionHandle } from "convex/server";
import { describe, expect, test } from "vitest";
import { cancel, listenToConsole, restart } from "../../testing/managing.js";
import {
  advance,
  drain,
  inComponent,
  journal,
  newBackend,
  script,
  startHandler,
  statusOf,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { components, internal } from "../../component/_generated/api.js";
import type { WorkflowId } from "../../client/index.js";

// Sleeps that 0.4 began are jobs of the pool.

useBackend();
const heard = listenToConsole();

const LATER = 100_000;

/** Leaves the first sleep of a run to a job of the pool, as 0.4 did. */
async function sleepInPool(
  t: Backend,
  id: WorkflowId,
  { runAfter, completes }: { runAfter: number; completes: boolean },
) {
  const [row] = await journal(t, id);
  await inComponent(t, async (ctx) => {
    const onComplete = {
      fnHandle: await createFunctionHandle(internal.pool.onComplete),
      context: { generationNumber: 0, stepId: row!._id },
    };
    const job = await ctx.runMutation(components.workpool.lib.enqueue, {
      config: { logLevel: "WARN" },
      fnType: "query",
      fnHandle: await createFunctionHandle(internal.workflow.sleep),
      fnName: "sleep",
      fnArgs: {},
      runAt: Date.now() + runAfter,
      ...(completes && { onComplete }),
    });
    await ctx.db.patch("workflows", id as never, { engineVersion: undefined });
    await ctx.db.patch("steps", row!._id, {
      timer: undefined,
      step: { ...row!.step, workId: job } as never,
    });
  });
}

describe("workflow:sleep", () => {
  test("does nothing but end", async () => {
    const t = newBackend();
    const ended = await inComponent(t, (ctx) =>
      ctx.runQuery(internal.workflow.sleep, {}),
    );
    expect(ended).toBeNull();
  });

  test("as a job that 0.4 left in the pool ends the sleep of its run", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await step.sleep(LATER);
      return "slept";
    });
    await sleepInPool(t, id, { runAfter: 5000, completes: true });
    await advance(4000);
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await advance(4000);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "slept",
    });
    await drain();
    expect(heard.said).toEqual([]);
  });

  test("is removed from the pool, once, when its run is canceled and restarted", async () => {
    const t = newBackend();
    script("handler", "other", (step) => step.sleep(LATER));
    const id = await startHandler(t, (step) => step.sleep(LATER));
    await sleepInPool(t, id, { runAfter: LATER, completes: false });
    await advance(1000);
    await cancel(t, id);
    await advance(1000);
    await restart(t, id);
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect(heard.said).toEqual([]);
  });
});
