import { list } from "@convex-dev/workflow";
import { finishWorkflows, waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { components, internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

async function plan(t: Backend) {
  return await t.mutation(internal.trip.start, { city: "Lisbon", nights: 3 });
}

async function bookings(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("bookings").collect());
  return rows.map(({ what }) => what).sort();
}

/** Returns the state of each run, including children, by workflow name. */
async function states(t: Backend) {
  const { page } = await t.query((ctx) => list(ctx, components.workflow));
  return Object.fromEntries(
    page.map(({ name, runResult }) => [name, runResult?.kind ?? "inProgress"]),
  );
}

test("the parent returns its children's results, a restart from the hotel keeps the flight, and cleanup deletes all runs", async () => {
  const t = newBackend();
  const workflowId = await plan(t);
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: {
      flight: { seat: "14A", price: 120 },
      hotel: { room: "207", price: 240 },
      total: 360,
    },
  });
  expect(await bookings(t)).toEqual(["flight to Lisbon", "hotel in Lisbon"]);
  await t.mutation(internal.trip.restart, { workflowId });
  expect(await waitForRun(t, workflowId)).toMatchObject({ type: "completed" });
  expect(await bookings(t)).toEqual([
    "flight to Lisbon",
    ...["hotel in Lisbon", "hotel in Lisbon"],
  ]);
  expect(await t.mutation(internal.trip.cleanup, { workflowId })).toBe(true);
  await finishWorkflows(t);
  expect(await states(t)).toEqual({});
});

test("the parent's status lists its children's runs, which are canceled with it", async () => {
  const t = newBackend();
  const workflowId = await plan(t);
  const status = await t.query(internal.trip.status, { workflowId });
  if (status.type !== "inProgress") throw new Error(`It is ${status.type}`);
  const children = status.running.map((step) =>
    step.kind === "workflow" ? step.workflowId : undefined,
  );
  expect(children).toHaveLength(2);
  for (const child of children)
    expect(
      await t.query(internal.trip.status, { workflowId: child! }),
    ).toMatchObject({ type: "inProgress" });
  await t.mutation(internal.trip.cancel, { workflowId });
  await finishWorkflows(t);
  expect(await states(t)).toEqual({
    "trip:planTrip": "canceled",
    "trip:bookFlight": "canceled",
    "trip:bookHotel": "canceled",
  });
  expect(await bookings(t)).toEqual([]);
});
