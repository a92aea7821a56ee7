import type { WorkflowId } from "@convex-dev/workflow";
import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

const { start, status, decide, cancel, restart, cleanup } = internal.approval;

async function states(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("expenses").collect());
  return rows.map(({ state }) => state);
}

async function untilItWaits(t: Backend) {
  await finishWorkflows(t, { until: "waiting" });
  expect(await states(t)).toEqual(["waiting"]);
}

type Act = (t: Backend, workflowId: WorkflowId) => Promise<unknown>;

const deciding =
  (approved: boolean): Act =>
  async (t, workflowId) => {
    await untilItWaits(t);
    await t.mutation(decide, { workflowId, approved });
  };

test.each<[string, Act, string]>([
  ["a decision to approve ends the wait", deciding(true), "approved"],
  ["a decision to reject ends the wait", deciding(false), "rejected"],
  [
    "a decision that comes before the run waits for it is kept",
    (t, workflowId) => t.mutation(decide, { workflowId, approved: true }),
    "approved",
  ],
  [
    "without a decision the wait ends when its time is over",
    async () => {},
    "expired",
  ],
  [
    "a restarted run waits for another decision",
    async (t, workflowId) => {
      await finishWorkflows(t);
      expect(await states(t)).toEqual(["expired"]);
      await t.mutation(restart, { workflowId });
      await t.mutation(decide, { workflowId, approved: true });
    },
    "approved",
  ],
])("%s, and the expense outlives its run", async (_title, act, end) => {
  const t = newBackend();
  const workflowId = await t.mutation(start, { title: "A new chair" });
  await act(t, workflowId);
  await finishWorkflows(t);
  expect(await t.query(status, { workflowId })).toEqual({
    ...{ type: "completed", result: end },
  });
  expect(await t.mutation(cleanup, { workflowId })).toBe(true);
  expect(await states(t)).toEqual([end]);
});

test("a canceled run tells the expense that it was withdrawn", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(start, { title: "A new chair" });
  await untilItWaits(t);
  await t.mutation(cancel, { workflowId });
  await finishWorkflows(t);
  expect(await states(t)).toEqual(["withdrawn"]);
});
