import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers } from "./testing.setup.js";

useFakeTimers();

const fast = { name: "Swift", price: 180, takesMs: 500 };
const slow = { name: "Thrifty", price: 120, takesMs: 2000 };
const down = <T>(provider: T) => ({ ...provider, isDown: true });

const SWIFT = { provider: "Swift", price: 180 };
const THRIFTY = { provider: "Thrifty", price: 120 };

test.each([
  ["the faster provider wins", [slow, fast], SWIFT],
  ["a provider that fails first does not win", [down(fast), slow], THRIFTY],
  ["a loser that fails later does no harm", [fast, down(slow)], SWIFT],
  ["without an offer in time there is none", [fast, slow], null, 100],
  ["without a provider that works there is none", [fast, slow].map(down), null],
])("%s", async (_title, providers, result, withinMs?: number) => {
  const t = newBackend();
  const race = { flight: "LIS-OSL", providers, withinMs };
  const workflowId = await t.mutation(internal.race.start, race);
  // Stop before the time for offers is over.
  await finishWorkflows(t, { until: "waiting" });
  expect(await t.query(internal.race.status, { workflowId })).toEqual({
    ...{ type: "completed", result },
  });
  const offers = await t.run((ctx) => ctx.db.query("offers").collect());
  if (result) expect(offers).toMatchObject([{ provider: result.provider }]);
});
