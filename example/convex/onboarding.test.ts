import { finishWorkflows, waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

const DAY_MS = 24 * 60 * 60 * 1000;

async function mails(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("mails").collect());
  return rows.map(({ subject, _creationTime }) => ({
    subject,
    at: _creationTime,
  }));
}

test("the mail is refined until it is accepted, then sent once", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.onboarding.start, {
    name: "Ada",
    outages: 2,
  });
  await finishWorkflows(t);
  expect((await mails(t)).map(({ subject }) => subject)).toEqual([
    "Welcome, Ada!!",
  ]);
  const { page } = await t.query(internal.onboarding.steps, { workflowId });
  expect(page.map(({ name }) => name)).toEqual([
    "onboarding:nameOf",
    "onboarding:write",
    "onboarding:refine",
    "onboarding:refine",
    "onboarding:send",
    "emailVerified",
  ]);
});

test("follow-ups are sent at their times, after the email is verified", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.onboarding.start, {
    name: "Ada",
    outages: 0,
  });
  await finishWorkflows(t, { until: "waiting" });
  const verifiedAt = Date.now();
  await t.mutation(internal.onboarding.verifyEmail, {
    workflowId,
    email: "ada@example.org",
  });
  await finishWorkflows(t);
  const [, ...followUps] = await mails(t);
  const days = followUps.map(({ subject, at }) => [
    subject,
    Math.floor((at - verifiedAt) / DAY_MS),
  ]);
  expect(days).toEqual([
    ["Invite your team", 4],
    ["Five things to try", 7],
  ]);
  expect(await t.query(internal.onboarding.status, { workflowId })).toEqual({
    type: "completed",
    result: { email: "ada@example.org", rounds: 2 },
  });
});

test("a service that stays down fails the run, and a restart continues from there", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.onboarding.start, {
    name: "Ada",
    outages: 4,
  });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "failed",
    error: "The service is down (attempt 4)",
  });
  await t.mutation(internal.onboarding.restart, {
    workflowId,
    from: "onboarding:write",
  });
  await t.mutation(internal.onboarding.verifyEmail, { workflowId });
  expect(await waitForRun(t, workflowId)).toMatchObject({ type: "completed" });
  expect(await mails(t)).toHaveLength(3);
});
