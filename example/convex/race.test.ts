import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

const fast = { name: "Swift", price: 180, takesMs: 500 };
const slow = { name: "Thrifty", price: 120, takesMs: 2000 };

async function result(
  t: Backend,
  providers: ((typeof fast | typeof slow) & { isDown?: boolean })[],
  withinMs?: number,
) {
  const workflowId = await t.mutation(internal.race.start, {
    flight: "LIS-OSL",
    providers,
    withinMs,
  });
  await finishWorkflows(t, { until: "waiting" });
  return await t.query(internal.race.status, { workflowId });
}

const completed = (result: unknown) => ({ type: "completed", result });

test("the faster provider wins", async () => {
  const t = newBackend();
  expect(await result(t, [slow, fast])).toEqual(
    completed({ provider: "Swift", price: 180 }),
  );
  expect(await t.run((ctx) => ctx.db.query("offers").collect())).toMatchObject([
    { provider: "Swift" },
  ]);
});

test("a provider that fails first does not win", async () => {
  const t = newBackend();
  expect(await result(t, [{ ...fast, isDown: true }, slow])).toEqual(
    completed({ provider: "Thrifty", price: 120 }),
  );
});

test("a loser that fails later does the run no harm", async () => {
  const t = newBackend();
  expect(await result(t, [fast, { ...slow, isDown: true }])).toEqual(
    completed({ provider: "Swift", price: 180 }),
  );
});

test("without an offer in time there is none", async () => {
  const t = newBackend();
  expect(await result(t, [fast, slow], 100)).toEqual(completed(null));
});

test("without a provider that works there is none, before the time is over", async () => {
  const t = newBackend();
  const down = [fast, slow].map((provider) => ({ ...provider, isDown: true }));
  expect(await result(t, down)).toEqual(completed(null));
});
