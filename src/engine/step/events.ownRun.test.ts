import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  newBackend,
  runHandler,
  script,
  steps,
  useBackend,
  workflows,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { eventStates } from "../../testing/events.js";
import {
  sendEvent,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// A run's own steps send it events, and its turn sees each of them.

useBackend();

const go = { name: "go", validator: v.string() };
const event = (workflowId: WorkflowId) => ({ ...go, workflowId, value: "own" });

/** The function "send" sends a run its event, then does something else. */
function scriptSend(then: () => void = () => undefined) {
  type Ctx = Parameters<typeof sendEvent>[0];
  const body = async (ctx: Ctx, workflowId: WorkflowId) => {
    await sendEvent(ctx, components.workflow, event(workflowId));
    then();
    return "sent";
  };
  script("mutation", "send", body);
  script("action", "send", body);
}

const args = (step: WorkflowCtx) => ({ name: "send", input: step.workflowId });

type Sender = (step: WorkflowCtx) => Promise<unknown>;
const inline: Sender = (step) =>
  step.runMutation(steps.mutation, args(step), { inline: true });

const senders: [string, Sender][] = [
  ["a mutation step", (step) => step.runMutation(steps.mutation, args(step))],
  ["an inline step, in the midst of the turn,", inline],
  ["an action step", (step) => step.runAction(steps.action, args(step))],
  [
    "sendEvent called with the step context",
    (step) => sendEvent(step, components.workflow, event(step.workflowId)),
  ],
];

const awaits: [string, (step: WorkflowCtx, sends: Sender) => unknown][] = [
  [
    "the await that comes after",
    async (step, sends) => {
      await sends(step);
      return await step.awaitEvent(go);
    },
  ],
  [
    "the await that comes some turns after",
    async (step, sends) => {
      await sends(step);
      await step.sleep(1000);
      return await step.awaitEvent(go);
    },
  ],
  [
    "the await asked for just before",
    async (step, sends) => {
      const awaited = step.awaitEvent(go);
      await sends(step);
      return await awaited;
    },
  ],
  [
    "the await asked for with it",
    async (step, sends) => {
      const [awaited] = await Promise.all([step.awaitEvent(go), sends(step)]);
      return awaited;
    },
  ],
  [
    "the await that was asked for in an earlier turn",
    async (step, sends) => {
      const awaited = step.awaitEvent(go);
      await step.sleep(1000);
      await sends(step);
      return await awaited;
    },
  ],
  [
    "an await with a timeout, and stops its timer",
    async (step, sends) => {
      const awaited = step.awaitEvent({ ...go, timeout: 60_000 });
      await step.sleep(1000);
      await sends(step);
      await step.sleep(100_000);
      return await awaited;
    },
  ],
  [
    "an await that another branch races",
    async (step, sends) => {
      const [first] = await Promise.all([
        Promise.race([step.awaitEvent(go), step.sleep(60_000)]),
        step.sleep(1000).then(() => sends(step)),
      ]);
      return first;
    },
  ],
];

describe.each(senders)("an event that %s sends", (_how, sends) => {
  test.each(awaits)("reaches %s", async (_which, handler) => {
    const t = newBackend();
    scriptSend();
    const { status } = await runHandler(t, async (step) =>
      handler(step, sends),
    );
    expect(status).toEqual(completed("own"));
    expect(await eventStates(t)).toEqual(["go consumed"]);
  });
});

test("an inline step that sends as the handler ends leaves a finished run", async () => {
  scriptSend();
  const { status } = await runHandler(newBackend(), async (step) => {
    void step.awaitEvent(go);
    await step.sleep(1000);
    return await inline(step);
  });
  expect(status).toEqual(completed("sent"));
});

test("a nested run and its parent send each other events", async () => {
  scriptSend();
  script("handler", "child", async (step, parent: WorkflowId) => {
    await sendEvent(step, components.workflow, {
      name: "hello",
      workflowId: parent,
      value: step.workflowId,
    });
    return await step.awaitEvent(go);
  });
  const { status } = await runHandler(newBackend(), async (step) => {
    const child = step.runWorkflow(workflows.workflow, {
      handler: "child",
      input: step.workflowId,
    });
    const input = await step.awaitEvent({
      name: "hello",
      validator: v.string(),
    });
    await step.runMutation(steps.mutation, { name: "send", input });
    return await child;
  });
  expect(status).toEqual(completed("own"));
});
