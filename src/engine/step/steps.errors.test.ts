import { ConvexError, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import {
  drain,
  effects,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { call, kinds, scriptValue } from "../../testing/values.js";
import {
  callInternal,
  cancel,
  listenToConsole,
} from "../../testing/managing.js";
import { describeFailure } from "../../shared/failures.js";
import {
  NonRetryableError,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

useBackend();
listenToConsole();

const CONVEX_ERROR: unique symbol = Symbol.for("ConvexError");

function scriptThrowing(error: () => unknown) {
  scriptValue(() => {
    throw error();
  });
}

/** What the handler catches, on each of its executions. */
async function caught(
  t: Backend,
  run: (step: WorkflowCtx) => Promise<unknown>,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  const { status } = await runHandler(t, async (step) => {
    await run(step).catch((error: unknown) => seen.push(error));
    await step.sleep(1);
  });
  expect(status).toMatchObject({ type: "completed" });
  expect(seen.length).toBeGreaterThan(1);
  return seen;
}

describe.each(kinds)("a failed %s step", (_kind, run) => {
  test("rejects with an Error of the step's message, live and on replay, or fails the run with it", async () => {
    const t = newBackend();
    scriptThrowing(() => new TypeError("it broke"));
    for (const error of await caught(t, run)) {
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(ConvexError);
      expect((error as Error).message).toBe("it broke");
    }
    const { status } = await runHandler(t, run);
    expect(status).toEqual(failed("it broke"));
  });

  test.each<[string, Value]>([
    ["an object", { code: 7, of: ["a", null] }],
    ["a string", "plain text"],
    ["an empty string", ""],
    ["a number", 42],
    ["null", null],
  ])(
    "rejects with a ConvexError and its data, and is recorded with it: %s",
    async (_what, data) => {
      const t = newBackend();
      const thrown = new ConvexError(data);
      scriptThrowing(() => thrown);
      for (const error of await caught(t, run)) {
        expect(error).toBeInstanceOf(ConvexError);
        expect((error as ConvexError<Value>).data).toEqual(data);
      }
      const { workflowId, status } = await runHandler(t, run);
      expect(status).toEqual(failed(thrown.message || thrown.name));
      const [row] = await journal(t, workflowId);
      expect(row!.step.runResult).toMatchObject({ kind: "failed" });
      expect(row!.failure).toEqual({ name: "ConvexError", data });
    },
  );
});

test("the recorded error of a function has the data of a ConvexError of any copy of that class, or else its text", () => {
  const data = { big: 5n, bytes: new Uint8Array([1]).buffer };
  class Copy extends Error {
    [CONVEX_ERROR] = true;
    data = data;
  }
  for (const error of [new Copy("why"), new ConvexError(data)])
    expect(describeFailure(error)).toEqual({
      error: error.message,
      failure: { name: "ConvexError", data },
    });
  expect(describeFailure("text")).toEqual({ error: "text" });
  expect(describeFailure(undefined)).toEqual({ error: "undefined" });
  expect(describeFailure(new NonRetryableError("enough"))).toMatchObject({
    error: "enough",
    failure: { name: "ConvexError" },
  });
});

test("a nested workflow that is canceled, and a step recorded as canceled, reject with Canceled", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.sleep(3_600_000));
  const id = await startHandler(t, async (step) => {
    const settled = await Promise.allSettled([
      step.runWorkflow(workflows.workflow, { handler: "child" }),
      step.runMutation(steps.echo, { value: 1 }, { runAfter: 1000 }),
    ]);
    return settled.map((each) => {
      const { reason } = each as PromiseRejectedResult;
      return reason instanceof Error && reason.message;
    });
  });
  const [row] = await journal(t, id);
  const { workflowId } = row!.step as { workflowId?: string };
  await cancel(t, workflowId as WorkflowId);
  // As the pool does for a job that was canceled in it.
  await callInternal(t, component.pool.onComplete, {
    workId: "job" as never,
    result: { kind: "canceled" },
    context: { workflowId: id, stepNumber: 1, generationNumber: 0 },
  });
  await drain();
  expect(await statusOf(t, id)).toEqual(completed(["Canceled", "Canceled"]));
  expect(await effects(t)).toEqual([]);
});

test("errors of parallel steps each reject their own step", async () => {
  const t = newBackend();
  script("mutation", "value", (_ctx, n: number) => {
    throw n % 2 === 0 ? new ConvexError({ n }) : new Error(`n ${n}`);
  });
  const { status } = await runHandler(t, async (step) => {
    const settled = await Promise.allSettled(
      [0, 1, 2, 3].map((input) =>
        step.runMutation(steps.mutation, { ...call, input }),
      ),
    );
    return settled.map((each) => {
      const { reason } = each as PromiseRejectedResult;
      return reason instanceof ConvexError
        ? (reason.data as unknown)
        : (reason as Error).message;
    });
  });
  expect(status).toMatchObject({ result: [{ n: 0 }, "n 1", { n: 2 }, "n 3"] });
});
