import type { FunctionArgs } from "convex/server";
import { ConvexError, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  components,
  drain,
  effects,
  endings,
  inComponent,
  journal,
  newBackend,
  rows,
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
import { create } from "../../testing/events.js";
import { everyRow } from "../../testing/tables.js";
import { scriptSteps, stepKinds } from "../../testing/values.js";
import {
  callInternal,
  cancel,
  listenToConsole,
} from "../../testing/managing.js";
import { describeFailure } from "../../shared/failures.js";
import {
  NonRetryableError,
  type EventId,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

useBackend();
listenToConsole();

const { workflow: api } = components;
const CONVEX_ERROR: unique symbol = Symbol.for("ConvexError");

function scriptThrowing(error: () => unknown) {
  scriptSteps(() => {
    throw error();
  });
}

/** Returns the error that the handler catches on each execution. */
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

describe.each(stepKinds)("a failed %s step", (_kind, run) => {
  test("rejects with an Error that has the step's message, live and on replay, or fails the run with it", async () => {
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
    "rejects with a ConvexError and is recorded with its data: %s",
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

test("a function's recorded error has a ConvexError's data, from any copy of the class, or else its text", () => {
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
  // The pool does this for a job that was canceled there.
  await callInternal(t, component.pool.onComplete, {
    workId: "job" as never,
    result: { kind: "canceled" },
    context: { workflowId: id, stepNumber: 1, generationNumber: 0 },
  });
  await drain();
  expect(await statusOf(t, id)).toEqual(completed(["Canceled", "Canceled"]));
  expect(await effects(t)).toEqual([]);
});

// A failed result may contain a ConvexError's data, because workpool 0.4.13 and later report it.

const data = { code: "NO_STOCK", left: 0n };
const noStock = { kind: "failed" as const, error: "no stock", errorData: data };
const workId = "some job" as never;
const LATER = 100_000;

/** Returns a failure as the handler sees it. */
const describeError = (error: unknown) =>
  error instanceof ConvexError
    ? { data: error.data as unknown, message: error.message }
    : `no ConvexError: ${String(error)}`;
const told = { data, message: "no stock" };

/** With an older workpool, the schema of 0.4.8 refuses `errorData` in every stored result. */
async function expectStoredAsBefore(t: Backend) {
  for (const [table, all] of Object.entries(await everyRow(t)))
    if (table.startsWith("workflow.") && table !== "workflow.scheduled")
      for (const row of all) expect(row).not.toSatisfy(holdsErrorData);
}

const holdsErrorData = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  ("errorData" in value || Object.values(value).some(holdsErrorData));

const waitForAction: Handler = (step) =>
  step
    .runAction(steps.echoAction, { value: "own" }, { runAfter: LATER })
    .catch(describeError);

/** Returns the context that 0.4 passed to the pool for a run's first step. */
async function contextOf(t: Backend, id: WorkflowId) {
  const [row] = await journal(t, id);
  return { generationNumber: 0, stepId: row!._id };
}

const awaitsChild: Handler = (step) =>
  step
    .runWorkflow(workflows.workflow, { handler: "child" })
    .catch(describeError);

const awaitsEvent =
  (sleepMs: number, event: () => { id?: EventId }): Handler =>
  async (step) => {
    if (sleepMs > 0) await step.sleep(sleepMs);
    return await step
      .awaitEvent({ name: "stock", ...event() })
      .catch(describeError);
  };
let eventId: EventId | undefined;

const sendFailed = (t: Backend, event: FunctionArgs<typeof api.event.send>) =>
  t.mutation((ctx) => ctx.runMutation(api.event.send, event));
const sendByName = (t: Backend, workflowId: WorkflowId) =>
  sendFailed(t, { workflowId, name: "stock", result: noStock });

test.each<[string, Handler, (t: Backend, id: WorkflowId) => Promise<unknown>]>([
  [
    "a step whose job the pool reports",
    waitForAction,
    async (t, id) => {
      const context = await contextOf(t, id);
      const report = { workId, context, result: noStock };
      await callInternal(t, component.pool.onComplete, report);
    },
  ],
  [
    "a child which 0.4 started",
    waitForAction,
    async (t, id) => {
      const context = await contextOf(t, id);
      const report = { workflowId: "a child", context, result: noStock };
      await callInternal(t, component.pool.nestedWorkflowOnComplete, report);
    },
  ],
  [
    "a child which is completed by its component's function",
    awaitsChild,
    async (t) => {
      script("handler", "child", (step) => step.sleep(LATER));
      await advance(1000);
      const child = (await rows(t, "workflows")).find(({ parent }) => parent)!;
      await t.mutation((ctx) =>
        ctx.runMutation(api.workflow.complete, {
          workflowId: child._id,
          generationNumber: 0,
          runResult: noStock,
        }),
      );
    },
  ],
  ["an event before it is sent", awaitsEvent(0, () => ({})), sendByName],
  ["an event after it was sent", awaitsEvent(1000, () => ({})), sendByName],
  [
    "an event made by its id",
    awaitsEvent(1000, () => ({ id: eventId })),
    async (t, id) => {
      eventId = await create(t, id, "stock");
      await sendFailed(t, { eventId, result: noStock });
    },
  ],
])(
  "a failed result's data reaches, as a ConvexError, the handler that awaits %s",
  async (_what, handler, report) => {
    const t = newBackend();
    const id = await startHandler(t, handler);
    await report(t, id);
    await expectStoredAsBefore(t);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed(told));
    await expectStoredAsBefore(t);
    for (const { failure } of await rows(t, "events"))
      expect(failure).toBeUndefined();
  },
);

test("a step that 0.4 recorded with a failure's data rejects with a ConvexError", async () => {
  const t = newBackend();
  const id = await startHandler(t, waitForAction);
  const { stepId } = await contextOf(t, id);
  await inComponent(t, async (ctx) => {
    const { step } = (await ctx.db.get("steps", stepId))!;
    await ctx.db.patch("steps", stepId, {
      step: { ...step, inProgress: false, runResult: noStock },
    });
  });
  await t.mutation((ctx) =>
    ctx.runMutation(workflows.workflow, {
      workflowId: id,
      generationNumber: 0,
    } as never),
  );
  expect(await statusOf(t, id)).toEqual(completed(told));
});

test("data that can't be stored is dropped, and the error is kept", async () => {
  const t = newBackend();
  const id = await startHandler(t, waitForAction);
  const context = await contextOf(t, id);
  const deep = JSON.parse("[".repeat(40) + "]".repeat(40)) as unknown;
  const result = { ...noStock, errorData: deep };
  await callInternal(t, component.pool.onComplete, { workId, context, result });
  await drain();
  expect(await statusOf(t, id)).toEqual(
    completed("no ConvexError: Error: no stock"),
  );
});

test("a step that is recorded with its result keeps the data separately", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, waitForAction);
  const step = {
    kind: "function" as const,
    functionType: "mutation" as const,
    name: "steps:echo",
    handle: "function://;steps:echo",
    args: {},
    argsSize: 2,
    startedAt: 1,
    completedAt: 2,
    inProgress: false,
    runResult: noStock,
  };
  await t.mutation((ctx) =>
    ctx.runMutation(api.journal.startSteps, {
      workflowId,
      generationNumber: 0,
      steps: [{ step }],
    }),
  );
  const [, row] = await journal(t, workflowId);
  expect(row!.failure).toEqual({ name: "ConvexError", data });
  await expectStoredAsBefore(t);
});

test("a completion without a step is kept without the data", async () => {
  const t = newBackend();
  const args = { workId, context: "nothing", result: noStock };
  await callInternal(t, component.pool.onComplete, args);
  const [kept] = await rows(t, "onCompleteFailures");
  expect(kept).toMatchObject({ result: { kind: "failed", error: "no stock" } });
  await expectStoredAsBefore(t);
});

describe("onComplete of a run that failed with a ConvexError", () => {
  const throwing: Handler = async (step) => {
    await step.sleep(10);
    throw new ConvexError(data as never);
  };
  const plain: Handler = async () => {
    throw new Error("plain");
  };

  const message = expect.any(String) as string;
  const withData = { kind: "failed", error: message, errorData: data };
  const withoutData = { kind: "failed", error: message };

  test.each<[string, keyof typeof steps, Handler, object[], unknown?]>([
    [
      "receives its data if its validator allows that",
      "endedAnyhow",
      throwing,
      [withData],
    ],
    [
      "receives no data if the error has none",
      "endedAnyhow",
      plain,
      [{ kind: "failed", error: "plain" }],
    ],
    [
      "is called once without it if its validator knows none",
      "endedWithoutData",
      throwing,
      [withoutData],
    ],
    [
      "is recorded as failed if it also fails without the data",
      "endedWithoutData",
      throwing,
      [],
      "refuse",
    ],
  ])("%s", async (_what, name, handler, results, context = "mine") => {
    const t = newBackend();
    const onComplete = steps[name] as typeof steps.endedAnyhow;
    const options = { onComplete, context };
    const { workflowId } = await runHandler(t, handler, options);
    expect((await endings(t)).map((ended) => ended.result)).toEqual(results);
    const error = "Error: Validator error of its own";
    expect(await rows(t, "onCompleteFailures")).toMatchObject(
      results.length > 0 ? [] : [{ workflowId, error }],
    );
    await expectStoredAsBefore(t);
  });

  test("receives the data if a turn crashed with one", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(LATER), {
      onComplete: steps.endedAnyhow,
      context: "mine",
    });
    await callInternal(t, component.pool.handlerOnComplete, {
      workId,
      context: { workflowId: id, generationNumber: 0 },
      result: noStock,
    });
    await drain();
    expect((await endings(t))[0]!.result).toEqual(noStock);
    expect(await statusOf(t, id)).toMatchObject({ error: "no stock" });
    await expectStoredAsBefore(t);
  });
});
