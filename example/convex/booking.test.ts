import { finishWorkflows, waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

const { start, pay, cancel, steps } = internal.booking;
const items = ["flight", "hotel", "car"];

async function reservations(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("reservations").collect());
  return rows.map(({ item, state }) => `${item} ${state}`);
}

const ALL_HELD = ["flight held", "hotel held", "car held"];
const ALL_RELEASED = ["flight released", "hotel released", "car released"];

test("an order that is paid in time is booked, and a canceled one is released", async () => {
  for (const [end, last] of [
    [pay, ALL_HELD],
    [cancel, ALL_RELEASED],
  ] as const) {
    const t = newBackend();
    const workflowId = await t.mutation(start, { items });
    await finishWorkflows(t, { until: "waiting" });
    expect(await reservations(t)).toEqual(ALL_HELD);
    await t.mutation(end, { workflowId });
    expect(await waitForRun(t, workflowId)).toEqual(
      end === pay
        ? { type: "completed", result: { booked: true } }
        : { type: "canceled" },
    );
    await finishWorkflows(t);
    expect(await reservations(t)).toEqual(last);
  }
});

test("if one item is sold out, the others are released in reverse order", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(start, { items, soldOut: "car" });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: { booked: false, why: "No car is left" },
  });
  expect(await reservations(t)).toEqual(["flight released", "hotel released"]);
  const { page } = await t.query(steps, { workflowId });
  expect(page.map(({ name }) => name)).toEqual([
    "reserve flight",
    "reserve hotel",
    "reserve car",
    "release hotel",
    "release flight",
  ]);
});

test("an order that is not paid in time is released, and a late payment is refused", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(start, { items });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: { booked: false, why: "Not paid in time" },
  });
  expect(await reservations(t)).toEqual(ALL_RELEASED);
  await expect(t.mutation(pay, { workflowId })).rejects.toThrow(workflowId);
});

test("starting an order twice books it once", async () => {
  const t = newBackend();
  const order = { order: "A1", items };
  const workflowId = await t.mutation(start, order);
  expect(await t.mutation(start, order)).toBe(workflowId);
  const other = { ...order, order: "A2" };
  expect(await t.mutation(start, other)).not.toBe(workflowId);
});
