import { expect, test, vi } from "vitest";
import { internal } from "./_generated/api.js";
import {
  finish,
  newBackend,
  settle,
  useFakeTimers,
  type Backend,
} from "./testing.setup.js";

useFakeTimers();

// Node's timers can't wait for longer than 24 days.
const MONTH_MS = 20 * 24 * 60 * 60 * 1000;

async function row(t: Backend) {
  const [row] = await t.run((ctx) => ctx.db.query("subscriptions").collect());
  return row!;
}

/** Lets a month pass, and what it brings happen. */
async function month(t: Backend) {
  vi.advanceTimersByTime(MONTH_MS);
  await settle(t);
}

test("it is renewed every month", async () => {
  const t = newBackend();
  await t.mutation(internal.subscription.start, {
    customer: "Ada",
    monthMs: MONTH_MS,
  });
  await settle(t);
  expect((await row(t)).renewals).toBe(0);
  await month(t);
  expect((await row(t)).renewals).toBe(1);
  await month(t);
  expect((await row(t)).renewals).toBe(2);
});

test("a run is followed by another before it grows long", async () => {
  const t = newBackend();
  const first = await t.mutation(internal.subscription.start, {
    customer: "Ada",
    months: 30,
  });
  await finish(t);
  expect(await row(t)).toMatchObject({ state: "ended", renewals: 30 });
  expect(
    await t.query(internal.subscription.status, { workflowId: first }),
  ).toMatchObject({ type: "completed", result: { renewals: 12 } });
  const { page } = await t.query(internal.subscription.list, {});
  const results = page.map(({ runResult }) =>
    runResult?.kind === "success" ? (runResult.returnValue as object) : null,
  );
  expect(results).toEqual([
    { renewals: 6 },
    { renewals: 12, continuedBy: page[0]!.workflowId },
    { renewals: 12, continuedBy: page[1]!.workflowId },
  ]);
});

test("it can be stopped in the midst of a month, also in a later run", async () => {
  const t = newBackend();
  await t.mutation(internal.subscription.start, {
    customer: "Ada",
    monthMs: MONTH_MS,
    monthsPerRun: 1,
  });
  await settle(t);
  await month(t);
  const { _id: subscriptionId, workflowId } = await row(t);
  await t.mutation(internal.subscription.stop, { subscriptionId });
  await finish(t);
  expect(await row(t)).toMatchObject({ state: "ended", renewals: 1 });
  expect(
    await t.query(internal.subscription.status, { workflowId: workflowId! }),
  ).toEqual({ type: "canceled" });
});
