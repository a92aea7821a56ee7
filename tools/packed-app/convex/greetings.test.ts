/// <reference types="vite/client" />
import workflowTest, { register } from "@convex-dev/workflow/test";
import { convexTest } from "convex-test";
import { afterEach, beforeEach, expect, expectTypeOf, test, vi } from "vitest";
import type { WorkflowId } from "@convex-dev/workflow";
import { api } from "./_generated/api.js";
import schema from "./schema.js";

const modules = import.meta.glob("./**/*.ts");

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a workflow of the packed package runs to its end", async () => {
  const t = convexTest(schema, modules);
  register(t);

  const workflowId = await t.mutation(api.greetings.kickoff, { name: "Ada" });
  expectTypeOf(workflowId).toEqualTypeOf<WorkflowId>();
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  const waiting = await t.query(api.greetings.status, { workflowId });
  expect(waiting.type).toBe("inProgress");

  await t.mutation(api.greetings.approve, { workflowId, by: "Bob" });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(api.greetings.status, { workflowId })).toEqual({
    type: "completed",
    result: "Hello, Ada (approved by Bob)",
  });
  expect(await t.query(api.greetings.endings, {})).toEqual(["success"]);
});

test("the default export has what registering by hand takes", () => {
  expect(Object.keys(workflowTest)).toEqual(["register", "schema", "modules"]);
});
