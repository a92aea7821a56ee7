import { listSteps, type WorkflowId } from "@convex-dev/workflow";
import { waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { components, internal } from "./_generated/api.js";
import { newBackend, useFakeTimers, type Backend } from "./testing.setup.js";

useFakeTimers();

async function greetings(t: Backend) {
  const rows = await t.run((ctx) => ctx.db.query("greetings").collect());
  return rows.map(({ text }) => text);
}

async function attemptsOf(t: Backend, workflowId: WorkflowId) {
  const rows = await t.run((ctx) => ctx.db.query("attempts").collect());
  return rows.find((row) => row.service === workflowId)?.count;
}

test("a query, an action that fails once, a mutation and a sleep run in this order", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.example.start, {
    exampleArg: "James",
  });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: "Hello, James!",
  });
  expect(await greetings(t)).toEqual(["Hello, James!"]);
  expect(await attemptsOf(t, workflowId)).toBe(2);
  const steps = await t.query((ctx) =>
    listSteps(ctx, components.workflow, workflowId),
  );
  expect(steps.page.map(({ name }) => name)).toEqual([
    "example:countGreetings",
    "example:compose",
    "example:save",
    "sleep",
  ]);
});

test("an action that exhausts its retries fails the run, and a restart continues from there", async () => {
  const t = newBackend();
  const workflowId = await t.mutation(internal.example.start, {
    ...{ exampleArg: "James", failures: 3 },
  });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "failed",
    error: expect.stringContaining("The service is down (attempt 3)") as string,
  });
  expect(await greetings(t)).toEqual([]);
  const from = "example:compose";
  await t.mutation(internal.example.restart, { workflowId, from });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: "Hello, James!",
  });
  expect(await attemptsOf(t, workflowId)).toBe(4);
});
