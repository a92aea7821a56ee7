import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { eventStates, send } from "../../testing/events.js";
import {
  createEvent,
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

test("an inline step's event is rolled back with its turn", async () => {
  const t = newBackend();
  let failing = true;
  scriptSend(() => {
    if (failing) throw new Error("not yet");
  });
  const { status } = await runHandler(t, async (step) => {
    const first = await inline(step).catch((error: Error) => error.message);
    failing = false;
    await inline(step);
    return [first, await step.awaitEvent(go)];
  });
  expect(status).toEqual(completed(["not yet", "own"]));
  expect(await eventStates(t)).toEqual(["go consumed"]);
});

test("an event created with the step context is awaited and sent by its id", async () => {
  const { status } = await runHandler(newBackend(), async (step) => {
    const { workflowId } = step;
    const id = await createEvent(step, components.workflow, {
      name: "go",
      workflowId,
    });
    const awaited = step.awaitEvent({ id, validator: v.string() });
    await step.sleep(1000);
    await sendEvent(step, components.workflow, { id, value: "by id" });
    return await awaited;
  });
  expect(status).toEqual(completed("by id"));
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

test("two runs that wait for each other's events by turns both end", async () => {
  const t = newBackend();
  const rally = (first: boolean) => async (step: WorkflowCtx, id: string) => {
    const other = (
      first
        ? await step.awaitEvent({ name: "other", validator: v.string() })
        : id
    ) as WorkflowId;
    for (let round = 0; round < 5; round++) {
      if (first || round > 0) await step.awaitEvent({ name: "ball" });
      // The other run has ended by then.
      if (first && round === 4) break;
      await sendEvent(step, components.workflow, {
        workflowId: other,
        name: "ball",
      });
    }
    return "played";
  };
  const first = await startHandler(t, rally(true), { name: "first" });
  const second = await startHandler(t, rally(false), {
    name: "second",
    input: first,
  });
  await send(t, { workflowId: first, name: "other", value: second });
  await drain();
  for (const workflowId of [first, second])
    expect(await statusOf(t, workflowId)).toEqual(completed("played"));
});
