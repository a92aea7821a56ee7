import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { internal } from "../testing/app/_generated/api.js";
import type { Handler } from "../testing/app/scripts.js";
import {
  drain,
  endings,
  newBackend,
  rows,
  script,
  startHandler,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../testing/harness.js";
import { cancel, listenToConsole } from "../testing/managing.js";
import { start, WorkflowManager, type StartOptions } from "./index.js";

useBackend();
listenToConsole();

const { definitions, managed } = internal;

async function endOf(
  t: Backend,
  handler: Handler,
  options: StartOptions<any>,
  { canceled = false } = {},
) {
  script("handler", "main", handler);
  const id = await t.mutation((ctx) =>
    start(ctx, definitions.byFunction, { handler: "main" }, options),
  );
  if (canceled) await cancel(t, id);
  await drain();
  return await endings(t);
}

describe("a mutation made by defineOnComplete", () => {
  const options = { onComplete: managed.endedAs, context: { key: "k" } };

  test("gets a completed run's id, return value and context", async () => {
    const ended = await endOf(newBackend(), async () => "four", options);
    expect(ended).toMatchObject([{ result: 4, context: "k" }]);
  });

  test("gets a failed run's error, with a ConvexError's data, or a canceled result", async () => {
    const failing: Handler = async () => {
      throw new ConvexError({ code: 7 });
    };
    expect(await endOf(newBackend(), failing, options)).toMatchObject([
      { result: { kind: "failed", errorData: { code: 7 } } },
    ]);
    const sleeping: Handler = (step) => step.sleep(1000);
    const canceled = { canceled: true };
    expect(
      await endOf(newBackend(), sleeping, options, canceled),
    ).toMatchObject([{ result: { kind: "canceled" } }]);
  });

  test("refuses another context, which is kept in onCompleteFailures", async () => {
    const t = newBackend();
    const wrong = { ...options, context: { key: 5 } } as never;
    expect(await endOf(t, async () => "four", wrong)).toEqual([]);
    expect(await rows(t, "onCompleteFailures")).toMatchObject([
      { error: expect.stringContaining("string") as string },
    ]);
  });

  test("must have a handler, and has no other options", () => {
    const manager = new WorkflowManager({} as never);
    const define = (definition: object) => () =>
      manager.defineOnComplete(definition as never);
    expect(define({})).toThrow(
      "Invalid definition of an onComplete: its handler is undefined. Expected an async function (ctx, args) => ….",
    );
    const misspelt = { contexts: 1, handler: async () => {} };
    expect(define(misspelt)).toThrow(
      'Invalid options of defineOnComplete: there is no option "contexts". Did you mean context?',
    );
  });
});

test("vOnCompleteArgs without validators accepts any context or none", async () => {
  for (const context of [{ any: ["thing"] }, undefined])
    expect(
      await endOf(newBackend(), async () => "four", {
        onComplete: managed.endedSomehow,
        context,
      }),
    ).toMatchObject([{ result: { kind: "success", returnValue: "four" } }]);
});

test("vWorkflowStatus validates every status, and steps in flight of every kind", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.sleep(1000));
  const id = await startHandler(t, async (step) => {
    step.setProgress({ done: 1 });
    await Promise.all([
      step.sleep(500),
      step.awaitEvent({ name: "go", timeout: 700 }).catch(() => {}),
      step.runWorkflow(workflows.workflow, { handler: "child" }),
      step.runMutation(steps.echo, { value: 1 }, { runAfter: 600 }),
      step.runAction(steps.echoAction, { value: 1 }, { runAfter: 600 }),
    ]);
    return "done";
  });
  const status = (workflowId: string) =>
    t.query(managed.statusOf, { workflowId });
  const inProgress = await status(id);
  expect(inProgress.progress).toEqual({ done: 1 });
  const kinds =
    inProgress.type === "inProgress" &&
    inProgress.running.map(({ kind }) => kind);
  expect(kinds).toEqual(["sleep", "event", "workflow", "function", "function"]);
  await drain();
  expect(await status(id)).toEqual({
    type: "completed",
    result: "done",
    progress: { done: 1 },
  });
  const failing = await startHandler(
    t,
    async () => {
      throw new Error("no");
    },
    { name: "failing" },
  );
  expect(await status(failing)).toEqual({ type: "failed", error: "no" });
  const canceled = await startHandler(t, (step) => step.sleep(9), {
    name: "canceled",
  });
  await cancel(t, canceled);
  expect(await status(canceled)).toEqual({ type: "canceled" });
});
