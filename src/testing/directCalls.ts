import { expect } from "vitest";
import type { WorkflowId } from "../client/index.js";
import type { internal } from "./app/_generated/api.js";
import { drain, statusOf, type Backend } from "./harness.js";
import { everyRow } from "./tables.js";

/** Calls a workflow's mutation as the dashboard and `npx convex run` do. */
export const call = (t: Backend, workflow: unknown, args: object) =>
  t.mutation(workflow as typeof internal.definitions.byFunction, args as never);

export const callAndDrain = async (
  t: Backend,
  workflow: unknown,
  args: object,
) => {
  const id = (await call(t, workflow, args)) as WorkflowId;
  await drain();
  return await statusOf(t, id);
};

export async function expectRefused(
  t: Backend,
  message: string | RegExp,
  act: () => Promise<unknown>,
) {
  const before = await everyRow(t);
  await expect(act()).rejects.toThrow(message);
  expect(await everyRow(t)).toEqual(before);
}
