import type { FunctionArgs } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { start, type EventId, type WorkflowId } from "../../client/index.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  components,
  drain,
  endings,
  inComponent,
  journal,
  newBackend,
  rows,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { create } from "../../testing/events.js";
import { callInternal, listenToConsole } from "../../testing/managing.js";
import { everyRow } from "../../testing/tables.js";
import { internal } from "../../component/_generated/api.js";

// A failed result may carry the data of a ConvexError: workpool 0.4.13 and later report it.

useBackend();
listenToConsole();

const { workflow: api } = components;

const data = { code: "NO_STOCK", left: 0n };
const failed = { kind: "failed" as const, error: "no stock", errorData: data };
const workId = "some job" as never;
const LATER = 100_000;

/** What a handler is told of a failure. */
const describeError = (error: unknown) =>
  error instanceof ConvexError
    ? { data: error.data as unknown, message: error.message }
    : `no ConvexError: ${String(error)}`;
const told = { data, message: "no stock" };

/** With an older workpool, the schema of 0.4.8 refuses `errorData` wherever a result is stored. */
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

/** How 0.4 names a run's first step to the pool. */
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
  sendFailed(t, { workflowId, name: "stock", result: failed });

test.each<[string, Handler, (t: Backend, id: WorkflowId) => Promise<unknown>]>([
  [
    "a step whose job the pool reports",
    waitForAction,
    async (t, id) => {
      const context = await contextOf(t, id);
      const report = { workId, context, result: failed };
      await callInternal(t, internal.pool.onComplete, report);
    },
  ],
  [
    "a child which 0.4 started",
    waitForAction,
    async (t, id) => {
      const context = await contextOf(t, id);
      const report = { workflowId: "a child", context, result: failed };
      await callInternal(t, internal.pool.nestedWorkflowOnComplete, report);
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
          runResult: failed,
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
      await sendFailed(t, { eventId, result: failed });
    },
  ],
])(
  "the data of a failed result reaches, as a ConvexError, the handler that awaits %s",
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

test("a step which 0.4 recorded with the data of its failure rejects with a ConvexError", async () => {
  const t = newBackend();
  const id = await startHandler(t, waitForAction);
  const { stepId } = await contextOf(t, id);
  await inComponent(t, async (ctx) => {
    const { step } = (await ctx.db.get("steps", stepId))!;
    await ctx.db.patch("steps", stepId, {
      step: { ...step, inProgress: false, runResult: failed },
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
  const result = { ...failed, errorData: deep };
  await callInternal(t, internal.pool.onComplete, { workId, context, result });
  await drain();
  expect(await statusOf(t, id)).toEqual(
    completed("no ConvexError: Error: no stock"),
  );
});

test("a step that is recorded with its result keeps the data beside it", async () => {
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
    runResult: failed,
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

test("a completion that names no step is kept without the data", async () => {
  const t = newBackend();
  const args = { workId, context: "nothing", result: failed };
  await callInternal(t, internal.pool.onComplete, args);
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

  async function begin(
    t: Backend,
    onComplete: (typeof steps)["endedAnyhow" | "endedWithoutData"],
    handler: Handler,
    context = "mine",
  ) {
    script("handler", "main", handler);
    return await t.mutation((ctx) =>
      start(
        ctx,
        workflows.workflow,
        { handler: "main" },
        { onComplete, context },
      ),
    );
  }
  const message = expect.any(String) as string;

  test.each([
    [
      "receives its data if its validator allows that",
      steps.endedAnyhow,
      throwing,
      { kind: "failed", error: message, errorData: data },
    ],
    [
      "receives no data if the error has none",
      steps.endedAnyhow,
      plain,
      { kind: "failed", error: "plain" },
    ],
    [
      "is called once without it if its validator knows none",
      steps.endedWithoutData,
      throwing,
      { kind: "failed", error: message },
    ],
  ] as const)("%s", async (_what, onComplete, handler, result) => {
    const t = newBackend();
    await begin(t, onComplete, handler);
    await drain();
    expect((await endings(t)).map((ended) => ended.result)).toEqual([result]);
    expect(await rows(t, "onCompleteFailures")).toEqual([]);
    await expectStoredAsBefore(t);
  });

  test("is recorded as failed if it fails without the data too", async () => {
    const t = newBackend();
    const id = await begin(t, steps.endedWithoutData, throwing, "refuse");
    await drain();
    expect(await endings(t)).toEqual([]);
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workflowId: id, error: "Error: Validator error of its own" },
    ]);
    await expectStoredAsBefore(t);
  });

  test("receives the data if a turn crashed with one", async () => {
    const t = newBackend();
    const id = await begin(t, steps.endedAnyhow, (step) => step.sleep(LATER));
    await callInternal(t, internal.pool.handlerOnComplete, {
      workId,
      context: { workflowId: id, generationNumber: 0 },
      result: failed,
    });
    await drain();
    expect((await endings(t))[0]!.result).toEqual(failed);
    expect(await statusOf(t, id)).toMatchObject({ error: "no stock" });
    await expectStoredAsBefore(t);
  });
});
