import { describe, expect, test } from "vitest";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import { Calls, callersOf } from "../../testing/calls.js";
import {
  advance,
  drain,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { callInternal, listenToConsole } from "../../testing/managing.js";
import type { WorkflowCtx, WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const call = { name: "read" };

describe.each(["driver", "pool"] as const)(
  "a query step of a run in mode %s",
  (execution) => {
    test("runs outside of any transaction, so that its run doesn't conflict with what it reads", async () => {
      const calls = new Calls();
      const t = newBackend({ execution, wrap: calls.wrap });
      const { status } = await runHandler(t, async (step) => [
        await step.runQuery(steps.echoQuery, { value: 1 }),
        await Promise.all([
          step.runQuery(steps.echoQuery, { value: 2 }),
          step.runMutation(steps.echo, { value: 3 }),
        ]),
        await step.runQuery(steps.echoQuery, { value: 4 }),
      ]);
      expect(status).toMatchObject({ result: [1, [2, 3], 4] });
      const queries = calls.of("steps:echoQuery");
      expect(queries).toHaveLength(3);
      const callers = new Set(queries.flatMap(callersOf));
      const actions = ["driving:drive", "execute:action", "worker:runBatch"];
      expect([...callers].filter((path) => !actions.includes(path))).toEqual(
        [],
      );
      expect(heard.said).toEqual([]);
    });

    test("is executed again if its job or driver crashed, because it has no effects", async () => {
      const t = newBackend({ execution });
      let executions = 0;
      script("query", "read", () => ++executions);
      await callInternal(t, internal.utils.updateConfig, { maxParallelism: 0 });
      const id = await startHandler(t, async (step) => {
        const [read] = await Promise.all([readStep(step), step.sleep(10)]);
        return read;
      });
      await reportDeath(t, id, execution);
      await callInternal(t, internal.utils.updateConfig, { maxParallelism: 5 });
      await drain();
      expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
      // The first job isn't dead. A driver finds that it was replaced.
      expect(executions).toBe(execution === "driver" ? 1 : 2);
    });
  },
);

const readStep = (step: WorkflowCtx) => step.runQuery(steps.query, call);

async function reportDeath(
  t: Backend,
  id: WorkflowId,
  execution: "driver" | "pool",
) {
  const [row] = await journal(t, id);
  const run = {
    workflowId: id as string as Id<"workflows">,
    generationNumber: 0,
  };
  const result = {
    kind: "failed" as const,
    error: "Transient error while executing action",
  };
  if (execution === "driver")
    await callInternal(t, internal.driving.onComplete, {
      workId: "its job" as never,
      result,
      context: { ...run, driver: 1 },
    });
  else
    await callInternal(t, internal.pool.actionOnComplete, {
      workId: (row!.step as { workId: string }).workId as never,
      result,
      context: { ...run, stepNumber: 0 },
    });
  await advance(100);
}
