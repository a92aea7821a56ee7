import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

async function row(t: Backend) {
  const [row] = await t.run((ctx) => ctx.db.query("subscriptions").collect());
  return row!;
}

/** Lets months pass until the subscription was renewed this many times. */
async function renew(t: Backend, times: number) {
  const until = async () => (await row(t)).renewals === times;
  await finishWorkflows(t, { until });
}

test("a subscription is renewed every month", async () => {
  const t = newBackend();
  const begunAt = Date.now();
  await t.mutation(internal.subscription.start, { customer: "Ada" });
  expect((await row(t)).renewals).toBe(0);
  await renew(t, 2);
  const days = (Date.now() - begunAt) / (24 * 60 * 60 * 1000);
  expect(Math.round(days)).toBe(60);
});

test("a run starts its successor before it grows long", async () => {
  const t = newBackend();
  const first = await t.mutation(internal.subscription.start, {
    customer: "Ada",
    months: 30,
    // Short enough that no run is cleaned up before the test ends.
    monthMs: 24 * 60 * 60_000,
  });
  await finishWorkflows(t);
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

test("a subscription can be stopped in the middle of a month, even in a later run", async () => {
  const t = newBackend();
  await t.mutation(internal.subscription.start, {
    customer: "Ada",
    monthsPerRun: 1,
  });
  await renew(t, 1);
  const { _id: subscriptionId, workflowId } = await row(t);
  await t.mutation(internal.subscription.stop, { subscriptionId });
  await finishWorkflows(t);
  expect(await row(t)).toMatchObject({ state: "ended", renewals: 1 });
  expect(
    await t.query(internal.subscription.status, { workflowId: workflowId! }),
  ).toEqual({ type: "canceled" });
});
