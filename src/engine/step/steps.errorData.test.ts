import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { start, type WorkflowId } from "../../client/index.js";
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
import { create } from "../../testing/events.js";
import { callInternal, listenToConsole } from "../../testing/managing.js";
import { everyRow } from "../../testing/tables.js";
import { internal } from "../../component/_generated/api.js";

// A failed result may carry the data of a ConvexError: workpool 0.4.13 and later report it.

useBackend();
listenToConsole();

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

async function expectDelivered(t: Backend, id: WorkflowId) {
  await drain();
  expect(await statusOf(t, id)).toEqual({ type: "completed", result: told });
  await expectStoredAsBefore(t);
}

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

/** A run that waits for a step, and how 0.4 names that step to the pool. */
async function waiting(t: Backend) {
  const id = await startHandler(t, waitForAction);
  const [row] = await journal(t, id);
  return { id, context: { generationNumber: 0, stepId: row!._id } };
}

describe("the data of a failed result reaches, as a ConvexError,", () => {
  test("the handler that awaits a step whose job the pool reports", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    const result = { workId, context, result: failed };
    await callInternal(t, internal.pool.onComplete, result);
    await expectDelivered(t, id);
  });

  test("the handler that awaits a child which 0.4 started", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    const result = { workflowId: "a child", context, result: failed };
    await callInternal(t, internal.pool.nestedWorkflowOnComplete, result);
    await expectDelivered(t, id);
  });

  test("the handler that awaits a child which is completed by its component's function", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(LATER));
    const id = await startHandler(t, (step) =>
      step
        .runWorkflow(workflows.workflow, { handler: "child" })
        .catch(describeError),
    );
    await advance(1000);
    const child = (await rows(t, "workflows")).find(({ parent }) => parent)!;
    await t.mutation((ctx) =>
      ctx.runMutation(components.workflow.workflow.complete, {
        workflowId: child._id,
        generationNumber: 0,
        runResult: failed,
      }),
    );
    await expectDelivered(t, id);
  });

  test("the handler that awaits a step which 0.4 recorded with its data", async () => {
    const t = newBackend();
    const { id, context } = await waiting(t);
    await inComponent(t, async (ctx) => {
      const { step } = (await ctx.db.get("steps", context.stepId))!;
      await ctx.db.patch("steps", context.stepId, {
        step: { ...step, inProgress: false, runResult: failed },
      });
    });
    await t.mutation((ctx) =>
      ctx.runMutation(workflows.workflow, {
        workflowId: id,
        generationNumber: 0,
      } as never),
    );
    expect(await statusOf(t, id)).toEqual({ type: "completed", result: told });
  });

  test.each(["before it is sent", "after it was sent"])(
    "the handler that awaits an event %s",
    async (when) => {
      const t = newBackend();
      const after = when === "after it was sent";
      const id = await startHandler(t, async (step) => {
        if (after) await step.sleep(1000);
        return await step.awaitEvent({ name: "stock" }).catch(describeError);
      });
      await t.mutation((ctx) =>
        ctx.runMutation(components.workflow.event.send, {
          workflowId: id,
          name: "stock",
          result: failed,
        }),
      );
      await expectStoredAsBefore(t);
      await expectDelivered(t, id);
      const [event] = await rows(t, "events");
      expect(event!.failure).toBeUndefined();
    },
  );

  test("the handler that awaits an event made by its id", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await step.sleep(1000);
      return await step.awaitEvent({ id: eventId }).catch(describeError);
    });
    const eventId = await create(t, id, "stock");
    await t.mutation((ctx) =>
      ctx.runMutation(components.workflow.event.send, {
        eventId,
        result: failed,
      }),
    );
    await expectDelivered(t, id);
  });
});

test("data that can't be stored is dropped, and the error is kept", async () => {
  const t = newBackend();
  const { id, context } = await waiting(t);
  const deep = JSON.parse("[".repeat(40) + "]".repeat(40)) as unknown;
  const result = { ...failed, errorData: deep };
  await callInternal(t, internal.pool.onComplete, { workId, context, result });
  await drain();
  expect(await statusOf(t, id)).toEqual({
    type: "completed",
    result: "no ConvexError: Error: no stock",
  });
});

test("a step that is recorded with its result keeps the data beside it", async () => {
  const t = newBackend();
  const { id } = await waiting(t);
  const step = {
    kind: "function" as const,
    functionType: "mutation" as const,
    ...{ name: "steps:echo", handle: "function://;steps:echo" },
    ...{ args: {}, argsSize: 2, startedAt: 1, completedAt: 2 },
    ...{ inProgress: false, runResult: failed },
  };
  await t.mutation((ctx) =>
    ctx.runMutation(components.workflow.journal.startSteps, {
      workflowId: id,
      generationNumber: 0,
      steps: [{ step }],
    }),
  );
  const [, row] = await journal(t, id);
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
  type OnComplete = (typeof steps)["endedAnyhow" | "endedWithoutData"];
  const throwing: Handler = async (step) => {
    await step.sleep(10);
    throw new ConvexError(data as never);
  };

  async function begin(
    t: Backend,
    onComplete: OnComplete,
    context: string,
    handler: Handler,
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

  async function run(
    t: Backend,
    onComplete: OnComplete,
    context: string,
    handler = throwing,
  ) {
    const id = await begin(t, onComplete, context, handler);
    await drain();
    await expectStoredAsBefore(t);
    return id;
  }

  test("receives its data if its validator allows that", async () => {
    const t = newBackend();
    await run(t, steps.endedAnyhow, "mine");
    const calls = await endings(t);
    expect(calls).toHaveLength(1);
    expect(calls[0]!.result).toMatchObject({
      kind: "failed",
      errorData: data,
    });
  });

  test("receives no data if the error has none", async () => {
    const t = newBackend();
    await run(t, steps.endedAnyhow, "mine", async () => {
      throw new Error("plain");
    });
    expect((await endings(t))[0]!.result).toEqual({
      kind: "failed",
      error: "plain",
    });
  });

  test("is called once without it if its validator knows none", async () => {
    const t = newBackend();
    await run(t, steps.endedWithoutData, "mine");
    const calls = await endings(t);
    expect(calls).toHaveLength(1);
    expect(calls[0]!.result).not.toHaveProperty("errorData");
    expect(await rows(t, "onCompleteFailures")).toEqual([]);
  });

  test("is recorded as failed if it fails without the data too", async () => {
    const t = newBackend();
    const id = await run(t, steps.endedWithoutData, "refuse");
    expect(await endings(t)).toEqual([]);
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { workflowId: id, error: "Error: Validator error of its own" },
    ]);
  });

  test("receives the data if a turn crashed with one", async () => {
    const t = newBackend();
    const id = await begin(t, steps.endedAnyhow, "mine", (step) =>
      step.sleep(LATER),
    );
    await callInternal(t, internal.pool.handlerOnComplete, {
      workId,
      context: { workflowId: id, generationNumber: 0 },
      result: failed,
    });
    await drain();
    expect((await endings(t))[0]!.result).toEqual(failed);
    expect(await statusOf(t, id)).toEqual({
      type: "failed",
      error: "no stock",
    });
    await expectStoredAsBefore(t);
  });
});
