import { expect, test } from "vitest";
import { cleanup, insertRun } from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  components,
  drain,
  inComponent,
  newBackend,
  rows,
  runHandler,
  statusOf,
  useBackend,
} from "../../testing/harness.js";
import {
  exportHistory,
  getStatus,
  listEvents,
  listSteps,
  type WorkflowId,
} from "../../client/index.js";

useBackend();

const { workflow } = components;

test("a status shows as many steps in flight as one reply can hold", async () => {
  const t = newBackend({ transactionLimits: true });
  const id = await insertRun(t);
  await inComponent(t, async (ctx) => {
    for (let stepNumber = 0; stepNumber < 3000; stepNumber++)
      await ctx.db.insert("steps", {
        workflowId: id as never,
        stepNumber,
        step: {
          kind: "sleep",
          name: `sleep ${stepNumber}`,
          inProgress: true,
          args: {},
          argsSize: 0,
          startedAt: 0,
        },
      });
  });
  const status = await statusOf(t, id);
  const running = status.type === "inProgress" ? status.running : [];
  expect(running.length).toBeGreaterThanOrEqual(500);
  expect(running[0]).toMatchObject({ name: "sleep 0" });
});

test("reading a run with an invalid or cleaned-up id throws, but the console's functions return nothing", async () => {
  const t = newBackend();
  const { workflowId: gone } = await runHandler(t, (step) => step.sleep(1));
  const [step] = await rows(t, "steps");
  await cleanup(t, gone);
  await drain();
  const errors: [string, string][] = [
    ["garbage", "Invalid workflow ID: garbage"],
    [step!._id, `Invalid workflow ID: ${step!._id}`],
    [gone, `Workflow not found: ${gone}`],
  ];
  for (const [id, error] of errors) {
    for (const read of [getStatus, listSteps, listEvents, exportHistory])
      await expect(
        t.query((ctx) => read(ctx, workflow, id as WorkflowId)),
      ).rejects.toThrow(error);
    const found = await t.query(async (ctx) => [
      await manager.getRun(ctx, id),
      await manager.getStep(ctx, id, 0),
      await manager.listStepSummaries(ctx, id),
    ]);
    const page = { page: [], isDone: true, continueCursor: "" };
    expect(found).toEqual([null, null, page]);
  }
});
