import { createFunctionHandle, type FunctionArgs } from "convex/server";
import { describe, expect, test } from "vitest";
import { jobs, listenToConsole } from "../../testing/managing.js";
import {
  components,
  drain,
  endings,
  newBackend,
  rows,
  script,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { everyRow } from "../../testing/tables.js";
import type { WorkflowId } from "../../client/index.js";

// The component's functions called as other packages and scripts do, not through this package's
// client.

useBackend();
const heard = listenToConsole();

const { workflow } = components.workflow;
type Create = FunctionArgs<typeof workflow.create>;

const handleOf = async (
  t: Backend,
  ref: Parameters<typeof createFunctionHandle>[0],
) => await t.mutation(async () => (await createFunctionHandle(ref)) as string);

const HANDLE = "function://;workflows:workflow";

const createRun = (t: Backend, options: Partial<Create> = {}) =>
  t.mutation(
    async (ctx) =>
      (await ctx.runMutation(workflow.create, {
        workflowName: "some:workflow",
        workflowHandle: HANDLE,
        workflowArgs: { handler: "main" },
        ...options,
      })) as WorkflowId,
  );

async function expectUnchanged(t: Backend, act: () => Promise<unknown>) {
  const before = await everyRow(t);
  await act();
  expect(await everyRow(t)).toEqual(before);
  expect(heard.said).toEqual([]);
}

describe("workflow.create", () => {
  test("runs the first turn inside the caller's transaction", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
    expect(await jobs(t)).toEqual([]);
  });

  test("with startAsync leaves it to a pool job with the given name", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t, { startAsync: true });
    expect(await jobs(t)).toEqual(["some:workflow"]);
    await drain();
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
  });

  test("with createOnly leaves it to the caller", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t, { createOnly: true });
    await drain();
    expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
    await t.mutation((ctx) =>
      ctx.runMutation(
        workflows.workflow as never,
        {
          workflowId: id,
          generationNumber: 0,
        } as never,
      ),
    );
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
  });

  test("calls onComplete with the context", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const fnHandle = await handleOf(t, steps.ended);
    await createRun(t, { onComplete: { fnHandle, context: [1] } });
    expect(await endings(t)).toMatchObject([{ context: [1] }]);
  });

  test("stores its arguments, and the run follows this engine's rules", async () => {
    const t = newBackend();
    const onComplete = { fnHandle: "function://;steps:ended", context: "c" };
    await createRun(t, { createOnly: true, onComplete, maxParallelism: 9 });
    expect(await rows(t, "workflows")).toMatchObject([
      {
        name: "some:workflow",
        workflowHandle: HANDLE,
        args: { handler: "main" },
        onComplete,
        generationNumber: 0,
        engineVersion: 1,
      },
    ]);
  });

  test("of a function that doesn't exist throws and changes nothing", async () => {
    const t = newBackend();
    await expectUnchanged(t, () =>
      expect(
        createRun(t, { workflowHandle: "function://;gone:workflow" }),
      ).rejects.toThrow("gone"),
    );
  });
});
