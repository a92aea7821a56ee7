import { expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import { Calls } from "../../testing/calls.js";
import { Footprints, crossRunConflicts } from "../../testing/footprints.js";
import {
  advance,
  components,
  drain,
  endings,
  newBackend,
  rows,
  script,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  cancel,
  cleanup,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  sendEvent,
  start,
  type RunQueryCtx,
  type WorkflowId,
} from "../../client/index.js";
import { HOUR } from "../../testing/units.js";

useBackend();
listenToConsole();

const RETRY = { maxAttempts: 3, initialBackoffMs: 1000, base: 2 };

/** A run that uses every feature. */
const everything: Handler = async (step) => {
  step.setProgress({ done: 1 });
  await step.runMutation(steps.echo, { value: 1 });
  await step.runQuery(steps.echoQuery, { value: 2 });
  step.setProgress({ done: 2 });
  await step.runAction(steps.echoAction, { value: 3 });
  await step.runAction(steps.action, { name: "flaky" }, { retry: RETRY });
  await step.runMutation(steps.echo, { value: 4 }, { inline: true });
  await step.runMutation(steps.fail, { message: "no" }).catch(() => null);
  await step.sleep(1000);
  await Promise.all([
    step.runMutation(steps.echo, { value: 5 }),
    step.runQuery(steps.echoQuery, { value: 6 }),
    step.runAction(steps.echoAction, { value: 7 }, { runAfter: 500 }),
    step.runWorkflow(workflows.workflow, { handler: "child" }),
    step.runWorkflow(workflows.workflow, { handler: "child" }),
  ]);
  await step.awaitEvent({ name: "sent before" });
  await step.awaitEvent({ name: "sent later" });
  const { workflowId } = step;
  const id = await manager.createEvent(step, { name: "by id", workflowId });
  await manager.sendEvent(step, { id });
  await step.awaitEvent({ id });
  await step
    .awaitEvent({ name: "never", timeout: 2000 })
    .catch(() => "timed out");
  const slow = step.runAction(steps.action, { name: "slow" }, { retry: RETRY });
  const first = await Promise.race([
    step.sleep(1000).then(() => "slept"),
    slow,
  ]);
  step.runMutation(steps.echo, { value: 8 }, { runAfter: 5000 }).catch(() => 0);
  return first;
};

function scripts() {
  let calls = 0;
  script("action", "flaky", () => {
    if (calls++ % 2 === 0) throw new Error("at first");
    return "flaky";
  });
  script("action", "slow", async () => {
    await new Promise((end) => setTimeout(end, 3000));
    throw new Error("in vain");
  });
  script("handler", "child", async (step) => {
    await step.runMutation(steps.echo, { value: "child" });
    await step.sleep(100);
    return await step.runAction(steps.echoAction, { value: "child" });
  });
}

const send = (t: Backend, workflowId: WorkflowId, name: string) =>
  t.mutation((ctx) =>
    sendEvent(ctx, components.workflow, { workflowId, name }),
  );

/** Brings both runs through all their waits, with their steps interleaved. */
async function live(t: Backend, ids: WorkflowId[]) {
  for (const id of ids) await send(t, id, "sent before");
  await advance(20_000);
  for (const id of ids) await send(t, id, "sent later");
  await drain();
}

async function readAll(ctx: RunQueryCtx, workflowId: WorkflowId) {
  await manager.list(ctx);
  await manager.listByName(ctx, workflows.workflow);
  await manager.listSteps(ctx, workflowId);
  await manager.listEvents(ctx, workflowId);
  const { load } = components.workflow.journal;
  await ctx.runQuery(load, { workflowId, shortCircuit: true });
}

test.each(["driver", "pool"] as const)(
  "C13: two runs never write each other's documents or read ranges that the other writes, and every lookup uses an index: %s",
  async (execution) => {
    const calls = new Calls();
    const t = newBackend({ execution, wrap: calls.wrap });
    expect(await rows(t, "config")).toHaveLength(1);
    const footprints = new Footprints(calls);
    scripts();
    script("handler", "main", everything);
    const begin = (key: string) =>
      t.mutation((ctx) =>
        start(
          ctx,
          workflows.workflow,
          { handler: "main" },
          {
            ...{ onComplete: steps.ended, context: "end" },
            ...{ key, timeout: HOUR, retention: { canceled: HOUR } },
          },
        ),
      );
    const ids = [await begin("a"), await begin("b"), await begin("c")] as const;
    expect(await begin("b")).toBe(ids[1]);
    const [first, second, third] = ids;
    await advance(700);
    await cancel(t, third);
    await restart(t, third, { startAsync: true });
    await live(t, [...ids]);
    for (const id of ids)
      expect(await statusOf(t, id)).toEqual({
        type: "completed",
        result: "slept",
        progress: { done: 2 },
      });
    await restart(t, first, { from: 0 });
    await restart(t, second, { startAsync: true });
    await live(t, [first, second]);
    await restart(t, second, { from: "sleep" });
    await live(t, [second]);
    await t.query((ctx) => readAll(ctx, first));
    for (const id of ids) await cleanup(t, id);
    await drain();
    expect(await endings(t)).toHaveLength(7);
    expect(await rows(t, "workflows")).toEqual([]);
    const transactions = footprints.transactions();
    expect(transactions.length).toBeGreaterThan(100);
    expect(crossRunConflicts(transactions)).toEqual([]);
    // The config is a single row.
    expect([...footprints.scans]).toEqual(["config"]);
    const indexes = ["steps.workflow", "steps.name", "events.name"];
    expect([...footprints.indexes]).toEqual(expect.arrayContaining(indexes));
  },
);
