import { list } from "@convex-dev/workflow";
import { finishWorkflows, waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { components, internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

const regions = [
  { name: "North", shops: ["Oslo", "Bergen"] },
  { name: "South", shops: ["Lisbon"] },
  { name: "Nowhere", shops: [] },
];

/** Counts the runs by workflow and status. */
async function runs(t: Backend) {
  const { page } = await t.query((ctx) => list(ctx, components.workflow));
  const counts: Record<string, number> = {};
  for (const { name, runResult } of page) {
    const key = `${name} ${runResult?.kind ?? "inProgress"}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

test("two levels of children add up the shops' sales, and are cleaned up together", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.fanOut.start, { regions });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: { sales: 1600, best: "Bergen" },
  });
  expect(await runs(t)).toEqual({
    "fanOut:report success": 1,
    "fanOut:reportRegion success": 3,
    "fanOut:reportShop success": 3,
  });
  await t.mutation(internal.fanOut.cleanup, { workflowId });
  await finishWorkflows(t);
  expect(await runs(t)).toEqual({});
});
