import { finishWorkflows, waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

async function submit(t: Backend) {
  return await t.mutation(internal.approval.start, { title: "A new chair" });
}

async function expenses(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("expenses").collect());
  return rows.map(({ state }) => state);
}

async function untilItWaits(t: Backend) {
  await finishWorkflows(t, { until: "waiting" });
  expect(await expenses(t)).toEqual(["waiting"]);
}

test.each([
  [true, "approved"],
  [false, "rejected"],
] as const)(
  "a decision (approved: %s) ends the wait",
  async (approved, end) => {
    const t = newBackend();
    const workflowId = await submit(t);
    await untilItWaits(t);
    expect(
      await t.query(internal.approval.status, { workflowId }),
    ).toMatchObject({ type: "inProgress" });
    await t.mutation(internal.approval.decide, { workflowId, approved });
    expect(await waitForRun(t, workflowId)).toEqual({
      type: "completed",
      result: end,
    });
    expect(await expenses(t)).toEqual([end]);
  },
);

test("a decision that comes before the run waits for it is kept", async () => {
  const t = newBackend();
  const workflowId = await submit(t);
  expect(await expenses(t)).toEqual(["submitted"]);
  await t.mutation(internal.approval.decide, { workflowId, approved: true });
  await finishWorkflows(t);
  expect(await expenses(t)).toEqual(["approved"]);
});

test("without a decision the wait ends when its time is over", async () => {
  const t = newBackend();
  const workflowId = await submit(t);
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: "expired",
  });
  expect(await expenses(t)).toEqual(["expired"]);
});

test("a canceled run tells the expense that it was withdrawn", async () => {
  const t = newBackend();
  const workflowId = await submit(t);
  await untilItWaits(t);
  await t.mutation(internal.approval.cancel, { workflowId });
  await finishWorkflows(t);
  expect(await expenses(t)).toEqual(["withdrawn"]);
});

test("a restarted run waits for another decision", async () => {
  const t = newBackend();
  const workflowId = await submit(t);
  await finishWorkflows(t);
  expect(await expenses(t)).toEqual(["expired"]);
  await t.mutation(internal.approval.restart, { workflowId });
  await t.mutation(internal.approval.decide, { workflowId, approved: true });
  await finishWorkflows(t);
  expect(await expenses(t)).toEqual(["approved"]);
});

test("a finished run can be cleaned up, its expense stays", async () => {
  const t = newBackend();
  const workflowId = await submit(t);
  await finishWorkflows(t);
  expect(await t.mutation(internal.approval.cleanup, { workflowId })).toBe(
    true,
  );
  expect(await expenses(t)).toEqual(["expired"]);
});
