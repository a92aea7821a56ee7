import { describe, expect, test } from "vitest";
import { jobs, listenToConsole } from "../../testing/managing.js";
import {
  drain,
  endings,
  newBackend,
  rows,
  script,
  statusOf,
  steps,
  useBackend,
  workflows,
} from "../../testing/harness.js";
import {
  HANDLE,
  createRun,
  expectUnchanged,
  handleOf,
} from "../../testing/doors.js";
import { completed } from "../../testing/statuses.js";

// The component's functions called as other packages and scripts do, not through this package's
// client.

useBackend();
const heard = listenToConsole();

describe("workflow.create", () => {
  test("runs the first turn inside the caller's transaction", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t);
    expect(await statusOf(t, id)).toEqual(completed("done"));
    expect(await jobs(t)).toEqual([]);
  });

  test("with startAsync leaves it to a pool job with the given name", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await createRun(t, { startAsync: true });
    expect(await jobs(t)).toEqual(["some:workflow"]);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("done"));
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
    await expectUnchanged(t, heard, () =>
      expect(
        createRun(t, { workflowHandle: "function://;gone:workflow" }),
      ).rejects.toThrow("gone"),
    );
  });
});
