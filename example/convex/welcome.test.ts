import { getStatus } from "@convex-dev/workflow";
import { expect, test } from "vitest";
import { api, components } from "./_generated/api.js";
import { finish, newBackend, useFakeTimers } from "./testing.setup.js";

useFakeTimers();

test("who signs up is welcomed, a day later", async () => {
  const t = newBackend();
  const signedUpAt = Date.now();
  const workflowId = await t.mutation(api.welcome.signUp, { name: "Ada" });
  await finish(t);
  expect(
    await t.query((ctx) => getStatus(ctx, components.workflow, workflowId)),
  ).toEqual({ type: "completed", result: "Welcome, Ada!" });
  const [greeting] = await t.run((ctx) => ctx.db.query("greetings").collect());
  expect(greeting).toMatchObject({ name: "Ada", text: "Welcome, Ada!" });
  expect(greeting!._creationTime - signedUpAt).toBeGreaterThanOrEqual(
    24 * 60 * 60 * 1000,
  );
});
