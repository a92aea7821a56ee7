/// <reference types="vite/client" />
import workflowTest, {
  finishWorkflows,
  mockStep,
  register,
  waitForRun,
} from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import { afterEach, beforeEach, expect, expectTypeOf, test, vi } from "vitest";
import type { WorkflowId } from "@convex-dev/workflow";
import { api, internal } from "./_generated/api.js";
import schema from "./schema.js";

const modules = import.meta.glob("./**/*.ts");

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a workflow completes with the packed package", async () => {
  const t = convexTest(schema, modules);
  register(t);

  const workflowId = await t.mutation(api.greetings.kickoff, { name: "Ada" });
  expectTypeOf(workflowId).toEqualTypeOf<WorkflowId>();
  await finishWorkflows(t);
  const waiting = await t.query(api.greetings.status, { workflowId });
  expect(waiting.type).toBe("inProgress");

  await t.mutation(api.greetings.approve, { workflowId, by: "Bob" });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: "Hello, Ada (approved by Bob)",
  });
  expect(await t.query(api.greetings.endings, {})).toEqual(["success"]);
});

test("steps and children can be mocked", async () => {
  const t = convexTest(schema, modules);
  register(t);
  const approve = async (name: string) => {
    const workflowId = await t.mutation(api.greetings.kickoff, { name });
    await t.mutation(api.greetings.approve, { workflowId, by: "Bob" });
    return await waitForRun(t, workflowId);
  };
  mockStep(t, internal.greetings.compose, ({ name }) => `Hi, ${name}`);
  expect(await approve("Ada")).toMatchObject({
    result: "Hi, Ada (approved by Bob)",
  });
  mockStep(t, internal.greetings.greet, (args) => {
    expectTypeOf(args).toEqualTypeOf<{ name: string }>();
    return "Greetings";
  });
  expect(await approve("Eve")).toMatchObject({
    result: "Greetings (approved by Bob)",
  });
});

test("the default export has everything that you need to register the component yourself", () => {
  expect(Object.keys(workflowTest)).toEqual(["register", "schema", "modules"]);
});
