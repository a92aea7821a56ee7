import { ConvexError, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import {
  components,
  drain,
  effects,
  inComponent,
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
import { listenToConsole } from "../../testing/managing.js";
import { describeFailure } from "../../shared/failures.js";
import {
  cancel,
  NonRetryableError,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

useBackend();
listenToConsole();

const CONVEX_ERROR: unique symbol = Symbol.for("ConvexError");
const call = { name: "throws" };

const kinds: [string, (step: WorkflowCtx) => Promise<unknown>][] = [
  ["query", (step) => step.runQuery(steps.query, call)],
  ["mutation", (step) => step.runMutation(steps.mutation, call)],
  ["action", (step) => step.runAction(steps.action, call)],
  [
    "inline query",
    (step) => step.runQuery(steps.query, call, { inline: true }),
  ],
  [
    "inline mutation",
    (step) => step.runMutation(steps.mutation, call, { inline: true }),
  ],
];

function scriptThrowing(error: () => unknown) {
  for (const kind of ["query", "mutation", "action"] as const)
    script(kind, "throws", () => {
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
  test("rejects with an Error of the step's message, live and on replay", async () => {
    scriptThrowing(() => new TypeError("it broke"));
    for (const error of await caught(newBackend(), run)) {
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(ConvexError);
      expect((error as Error).message).toBe("it broke");
    }
  });

  test("uncaught, fails the run with that message", async () => {
    scriptThrowing(() => new Error("it broke"));
    const { status } = await runHandler(newBackend(), run);
    expect(status).toEqual(failed("it broke"));
  });

  const data: [string, Value][] = [
    ["an object", { code: 7, of: ["a", null] }],
    ["a string", "plain text"],
    ["an empty string", ""],
    ["a number", 42],
    ["null", null],
  ];
  test.each(data)(
    "rejects with a ConvexError and its data: %s",
    async (_what, value) => {
      scriptThrowing(() => new ConvexError(value));
      for (const error of await caught(newBackend(), run)) {
        expect(error).toBeInstanceOf(ConvexError);
        expect((error as ConvexError<Value>).data).toEqual(value);
      }
    },
  );

  test("is recorded as failed, with its error", async () => {
    const t = newBackend();
    scriptThrowing(() => new ConvexError("why"));
    const { workflowId } = await runHandler(t, run);
    const [row] = await journal(t, workflowId);
    expect(row!.step.runResult).toMatchObject({ kind: "failed" });
    expect(row!.failure).toEqual({ name: "ConvexError", data: "why" });
  });
});

describe("the recorded error of a function", () => {
  test("that threw something that is no error is its text", () => {
    expect(describeFailure("text")).toEqual({ error: "text" });
    expect(describeFailure(undefined)).toEqual({ error: "undefined" });
  });

  test("that threw a ConvexError, of any copy of that class, keeps its data of any type", () => {
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
  });

  test("that threw a NonRetryableError is its message, marked as such", () => {
    expect(describeFailure(new NonRetryableError("enough"))).toMatchObject({
      error: "enough",
      nonRetryable: true,
    });
  });
});

describe("a nested workflow", () => {
  const child = (step: WorkflowCtx) =>
    step.runWorkflow(workflows.workflow, { handler: "child" });

  test("that fails rejects with its error", async () => {
    script("handler", "child", async () => {
      throw new Error("the child broke");
    });
    for (const error of await caught(newBackend(), child)) {
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toBe("the child broke");
    }
  });

  test("that is canceled rejects with Canceled, which can be caught", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(3_600_000));
    const errors: Error[] = [];
    const id = await startHandler(t, async (step) => {
      await child(step).catch((error: Error) => errors.push(error));
      return "goes on";
    });
    const [row] = await journal(t, id);
    const { workflowId } = row!.step as { workflowId?: string };
    const nested = workflowId as WorkflowId;
    await t.mutation((ctx) => cancel(ctx, components.workflow, nested));
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("goes on"));
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors[0]!.message).toBe("Canceled");
  });
});

test("a step recorded as canceled rejects with Canceled", async () => {
  const t = newBackend();
  const id = await startHandler(t, (step) =>
    step
      .runMutation(steps.echo, { value: 1 }, { runAfter: 1000 })
      .catch((error: Error) => error.message),
  );
  // As the pool does for a job that was canceled in it.
  await inComponent(t, (ctx) =>
    ctx.runMutation(component.pool.onComplete, {
      workId: "job" as never,
      result: { kind: "canceled" },
      context: { workflowId: id, stepNumber: 0, generationNumber: 0 },
    }),
  );
  await drain();
  expect(await statusOf(t, id)).toEqual(completed("Canceled"));
  expect(await effects(t)).toEqual([]);
});

test("errors of parallel steps each reject their own step", async () => {
  const t = newBackend();
  script("mutation", "throws", (_ctx, n: number) => {
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

test("a ConvexError that the handler doesn't catch fails the run with its message", async () => {
  scriptThrowing(() => new ConvexError("out of stock"));
  const { status } = await runHandler(newBackend(), (step) =>
    step.runMutation(steps.mutation, call),
  );
  expect(status).toEqual(failed("out of stock"));
});
