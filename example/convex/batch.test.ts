import { waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers } from "./testing.setup.js";

useFakeTimers();

test("200 items go through three steps each", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.batch.start, {});
  expect(await t.query(internal.batch.status, { workflowId })).toMatchObject({
    ...{ type: "inProgress", progress: { done: 0, count: 200 } },
  });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: { saved: 160, skipped: 40 },
    progress: { done: 200, count: 200 },
  });
  const { page } = await t.query(internal.batch.steps, {
    workflowId,
    paginationOpts: { numItems: 1000, cursor: null },
  });
  expect(page).toHaveLength(600);
  const items = await t.run((ctx) => ctx.db.query("items").collect());
  expect(new Set(items.map(({ item }) => item)).size).toBe(200);
});
