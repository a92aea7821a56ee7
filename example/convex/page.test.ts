import { finishWorkflows } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { api } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

const onboarding = async (t: Backend) =>
  (await t.query(api.page.onboardings, {}))[0]!;

test("the page shows an onboarding from start to end", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(api.page.signUp, { name: "Ada" });
  expect(await onboarding(t)).toMatchObject({ workflowId, name: "Ada" });
  await finishWorkflows(t);
  expect(await onboarding(t)).toMatchObject({
    status: "inProgress",
    waitsFor: ["emailVerified"],
    mails: ["Welcome, Ada!!"],
  });
  const email = "ada@example.com";
  await t.mutation(api.page.verifyEmail, { workflowId, email });
  await finishWorkflows(t);
  const { status, waitsFor, mails } = await onboarding(t);
  expect(status).toBe("completed");
  expect(waitsFor).toEqual([]);
  expect(mails).toHaveLength(3);
});

test("the page shows an expense that waits for a decision, and the decision", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(api.page.submitExpense, {
    title: "A new chair",
  });
  await finishWorkflows(t, { until: "waiting" });
  expect(await t.query(api.page.expenses, {})).toMatchObject([
    { workflowId, title: "A new chair", state: "waiting" },
  ]);
  await t.mutation(api.page.decide, { workflowId, approved: true });
  await finishWorkflows(t);
  expect(await t.query(api.page.expenses, {})).toMatchObject([
    { state: "approved" },
  ]);
});

test("the console shows the example's runs, and its functions are public", async () => {
  const t = newBackend();
  await t.mutation(api.page.submitExpense, { title: "A new chair" });
  const { page } = await t.query(api.console.listRuns, {
    paginationOpts: { numItems: 50, cursor: null },
  });
  expect(page).toMatchObject([{ name: "approval:approval" }]);
  const { counts, names } = await t.query(api.console.stats, {});
  expect(counts.inProgress).toBe(1);
  expect(names).toEqual(["approval:approval"]);
});
