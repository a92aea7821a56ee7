import { createFunctionHandle, type FunctionArgs } from "convex/server";
import { expect } from "vitest";
import type { WorkflowId } from "../client/index.js";
import { components, type Backend } from "./harness.js";
import { everyRow } from "./tables.js";

const { workflow } = components.workflow;
type Create = FunctionArgs<typeof workflow.create>;

export const HANDLE = "function://;workflows:workflow";

export const handleOf = async (
  t: Backend,
  ref: Parameters<typeof createFunctionHandle>[0],
) => await t.mutation(async () => (await createFunctionHandle(ref)) as string);

/** Calls the component's own `workflow.create`. */
export const createRun = (t: Backend, options: Partial<Create> = {}) =>
  t.mutation(
    async (ctx) =>
      (await ctx.runMutation(workflow.create, {
        workflowName: "some:workflow",
        workflowHandle: HANDLE,
        workflowArgs: { handler: "main" },
        ...options,
      })) as WorkflowId,
  );

/** Expects that a call changes no table and logs nothing. */
export async function expectUnchanged(
  t: Backend,
  heard: { said: string[] },
  act: () => Promise<unknown>,
) {
  const before = await everyRow(t);
  await act();
  expect(await everyRow(t)).toEqual(before);
  expect(heard.said).toEqual([]);
}
