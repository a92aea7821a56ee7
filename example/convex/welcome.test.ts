import { waitForRun } from "@convex-dev/workflow/test";
import { expect, test } from "vitest";
import { api } from "./_generated/api.js";
import { newBackend, useFakeTimers } from "./testing.setup.js";

useFakeTimers();

test("a user who signs up gets the welcome a day later", async () => {
  const t = newBackend();
  const signedUpAt = Date.now();
  const workflowId = await t.mutation(api.welcome.signUp, { name: "Ada" });
  expect(await waitForRun(t, workflowId)).toEqual({
    type: "completed",
    result: "Welcome, Ada!",
  });
  const [greeting] = await t.run((ctx) => ctx.db.query("greetings").collect());
  expect(greeting).toMatchObject({ name: "Ada", text: "Welcome, Ada!" });
  expect(greeting!._creationTime - signedUpAt).toBeGreaterThanOrEqual(
    24 * 60 * 60 * 1000,
  );
});
