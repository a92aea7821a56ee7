import { ConvexError, v } from "convex/values";
import { expect, test } from "vitest";
import { manager } from "../../testing/app/workflows.js";
import {
  components,
  newBackend,
  runHandler,
  startHandler,
  useBackend,
} from "../../testing/harness.js";
import {
  createEvent,
  sendEvent,
  type RunMutationCtx,
  type WorkflowId,
} from "../../client/index.js";

useBackend();

const { workflow } = components;
type Ids = { running: WorkflowId; ended: WorkflowId; gone: WorkflowId };
type Act = (ctx: RunMutationCtx, ids: Ids) => Promise<unknown>;

const noCursor = { paginationOpts: { numItems: 2, cursor: "garbage" } };
const invalidCursor = /^Invalid cursor: garbage\. Expected the cursor/;

const otherCursor = { paginationOpts: { numItems: 2, cursor: '"x"' } };

const cases: [string, string, Act, RegExp][] = [
  [
    "INVALID_ARGUMENT",
    "a list of runs from something that is no cursor",
    (ctx) => manager.list(ctx, noCursor),
    invalidCursor,
  ],
  [
    "INVALID_ARGUMENT",
    "a list of steps from something that is no cursor",
    (ctx, { ended }) => manager.listSteps(ctx, ended, noCursor),
    invalidCursor,
  ],
  [
    "INVALID_ARGUMENT",
    "a list of runs from the JSON of something else",
    (ctx) => manager.list(ctx, otherCursor),
    /^Invalid cursor: "x"\. Expected the cursor/,
  ],
  [
    "WORKFLOW_FINISHED",
    "cancel of a run that ended",
    (ctx, { ended }) => manager.cancel(ctx, ended),
    /^Can't cancel workflow \S+: it is already completed\.$/,
  ],
  [
    "WORKFLOW_NOT_FOUND",
    "cancel of a run that was cleaned up",
    (ctx, { gone }) => manager.cancel(ctx, gone),
    /^Workflow not found: /,
  ],
  [
    "WORKFLOW_NOT_FOUND",
    "the status of a run that was cleaned up",
    (ctx, { gone }) => manager.status(ctx, gone),
    /^Workflow not found: /,
  ],
  [
    "WORKFLOW_RUNNING",
    "restart of a running run",
    (ctx, { running }) => manager.restart(ctx, running),
    /^Workflow is still running: \S+$/,
  ],
  [
    "WORKFLOW_FINISHED",
    "a strict event for a run that ended",
    (ctx, { ended: workflowId }) =>
      sendEvent(ctx, workflow, { workflowId, name: "e", strict: true }),
    /^Event "e" can't be sent to workflow \S+: it is already completed\.$/,
  ],
  [
    "EVENT_NOT_FOUND",
    "an event id that is none",
    (ctx) => sendEvent(ctx, workflow, { id: "no" as never }),
    /^Event not found: no\. /,
  ],
  [
    "EVENT_ALREADY_SENT",
    "an event id that was sent before",
    async (ctx, { running: workflowId }) => {
      const id = await createEvent(ctx, workflow, { name: "e", workflowId });
      await sendEvent(ctx, workflow, { id });
      await sendEvent(ctx, workflow, { id });
    },
    /^Event already sent: /,
  ],
  [
    "INVALID_ARGUMENT",
    "an id of no workflow",
    (ctx) => manager.status(ctx, "abc"),
    /^Invalid workflow ID: abc\. /,
  ],
  [
    "INVALID_ARGUMENT",
    "restart from a step that doesn't exist",
    (ctx, { ended }) => manager.restart(ctx, ended, { from: "x" }),
    /^Step "x" not found in workflow /,
  ],
  [
    "INVALID_ARGUMENT",
    "restart from a negative number",
    (ctx, { ended }) => manager.restart(ctx, ended, { from: -1 }),
    /^Step number cannot be negative: -1$/,
  ],
  [
    "INVALID_ARGUMENT",
    "a value that the sender's validator refuses",
    (ctx, { running: workflowId }) =>
      sendEvent(ctx, workflow, {
        workflowId,
        name: "e",
        validator: v.string(),
        value: 5 as never,
      }),
    /^Invalid value for event "e": /,
  ],
  [
    "INVALID_ARGUMENT",
    "a ctx that can't run mutations",
    ({ runQuery }, { running }) =>
      manager.cancel({ runQuery } as never, running),
    /^Can't cancel a workflow with this ctx: it can't run mutations\./,
  ],
];

test.each(cases)(
  "the code %s identifies %s for clients, and the error's text is its message",
  async (code, _what, act, message) => {
    const t = newBackend();
    const ended = (await runHandler(t, async () => null, { name: "ended" }))
      .workflowId;
    const gone = (await runHandler(t, async () => null, { name: "gone" }))
      .workflowId;
    await t.mutation((ctx) => manager.cleanup(ctx, gone));
    const running = await startHandler(t, (step) =>
      step.awaitEvent({ name: "go" }),
    );
    const ids = { running, ended, gone };
    const thrown = await t
      .mutation((ctx) => act(ctx, ids))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(thrown).toBeInstanceOf(ConvexError);
    const { data, message: text } = thrown as ConvexError<{
      code: string;
      message: string;
    }>;
    expect(data).toMatchObject({ code, message: text });
    expect(text).toMatch(message);
  },
);

test("the handler of a refused step receives the code", async () => {
  const { status } = await runHandler(newBackend(), async (step) => {
    try {
      await manager.cancel(step, "abc");
    } catch (error) {
      const { data, message } = error as ConvexError<{ code: string }>;
      return [data.code, message];
    }
  });
  expect(status).toMatchObject({
    type: "completed",
    result: [
      "INVALID_ARGUMENT",
      expect.stringMatching(/^Invalid workflow ID: abc\. /),
    ],
  });
});
