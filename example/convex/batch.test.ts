import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { finish, newBackend, useFakeTimers } from "./testing.setup.js";

useFakeTimers();

test("200 items go through three steps each", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.batch.start, {});
  await finish(t);
  expect(await t.query(internal.batch.status, { workflowId })).toEqual({
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

test("a canceled batch stops where it is, and a restarted one ends the rest", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.batch.start, { count: 10 });
  await t.mutation(internal.batch.cancel, { workflowId });
  await finish(t);
  expect(await t.query(internal.batch.status, { workflowId })).toEqual({
    type: "canceled",
    progress: { done: 0, count: 10 },
  });
  await t.mutation(internal.batch.restart, { workflowId });
  await finish(t);
  expect(await t.query(internal.batch.status, { workflowId })).toMatchObject({
    type: "completed",
    progress: { done: 10, count: 10 },
  });
});
