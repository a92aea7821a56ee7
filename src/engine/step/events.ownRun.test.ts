import { v } from "convex/values";
import { beforeEach, describe, expect, test } from "vitest";
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
import { eventStates } from "../../testing/events.js";
import {
  createEvent,
  sendEvent,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// Events that a run is sent by its own steps: each takes effect, and the run's turn sees it.

useBackend();

const go = { name: "go", validator: v.string() };
const event = (workflowId: WorkflowId) => ({ ...go, workflowId, value: "own" });

beforeEach(() => {
  script("mutation", "send", async (ctx, workflowId: WorkflowId) => {
    await sendEvent(ctx, components.workflow, event(workflowId));
    return "sent";
  });
  script("action", "send", async (ctx, workflowId: WorkflowId) => {
    await sendEvent(ctx, components.workflow, event(workflowId));
    return "sent";
  });
});

const args = (step: WorkflowCtx) => ({ name: "send", input: step.workflowId });

const senders: {
  how: string;
  sendTo: (step: WorkflowCtx) => Promise<unknown>;
}[] = [
  {
    how: "a mutation step",
    sendTo: (step) => step.runMutation(steps.mutation, args(step)),
  },
  {
    how: "an inline step, in the midst of the turn,",
    sendTo: (step) =>
      step.runMutation(steps.mutation, args(step), { inline: true }),
  },
  {
    how: "an action step",
    sendTo: (step) => step.runAction(steps.action, args(step)),
  },
  {
    how: "sendEvent called with the step context",
    sendTo: (step) =>
      sendEvent(step, components.workflow, event(step.workflowId)),
  },
];

describe.each(senders)("an event that $how sends", ({ sendTo }) => {
  const expectOwn = async (
    handler: (step: WorkflowCtx) => Promise<unknown>,
  ) => {
    const t = newBackend();
    const { status } = await runHandler(t, handler);
    expect(status).toEqual(completed("own"));
    expect(await eventStates(t)).toEqual(["go consumed"]);
  };

  test("reaches the await that comes after", async () => {
    await expectOwn(async (step) => {
      await sendTo(step);
      return await step.awaitEvent(go);
    });
  });

  test("reaches the await that comes some turns after", async () => {
    await expectOwn(async (step) => {
      await sendTo(step);
      await step.sleep(1000);
      return await step.awaitEvent(go);
    });
  });

  test("reaches the await asked for just before", async () => {
    await expectOwn(async (step) => {
      const awaited = step.awaitEvent(go);
      await sendTo(step);
      return await awaited;
    });
  });

  test("reaches the await asked for with it", async () => {
    await expectOwn(async (step) => {
      const [awaited] = await Promise.all([step.awaitEvent(go), sendTo(step)]);
      return awaited;
    });
  });

  test("reaches the await that was asked for in an earlier turn", async () => {
    await expectOwn(async (step) => {
      const awaited = step.awaitEvent(go);
      await step.sleep(1000);
      await sendTo(step);
      return await awaited;
    });
  });

  test("reaches an await with a timeout, and stops its timer", async () => {
    await expectOwn(async (step) => {
      const awaited = step.awaitEvent({ ...go, timeout: 60_000 });
      await step.sleep(1000);
      await sendTo(step);
      await step.sleep(100_000);
      return await awaited;
    });
  });

  test("reaches an await that another branch races", async () => {
    await expectOwn(async (step) => {
      const [first] = await Promise.all([
        Promise.race([step.awaitEvent(go), step.sleep(60_000)]),
        step.sleep(1000).then(() => sendTo(step)),
      ]);
      return first;
    });
  });
});

test("an inline step that sends as the handler ends leaves a run that is done", async () => {
  const t = newBackend();
  const { status } = await runHandler(t, async (step) => {
    void step.awaitEvent(go);
    await step.sleep(1000);
    return await step.runMutation(steps.mutation, args(step), { inline: true });
  });
  expect(status).toEqual(completed("sent"));
});

test("an event that an inline step sent is not there when the turn is rolled back", async () => {
  const t = newBackend();
  let failing = true;
  script("mutation", "send", async (ctx, workflowId: WorkflowId) => {
    await sendEvent(ctx, components.workflow, event(workflowId));
    if (failing) throw new Error("not yet");
    return "sent";
  });
  const { status } = await runHandler(t, async (step) => {
    const inline = () =>
      step.runMutation(steps.mutation, args(step), { inline: true });
    const first = await inline().catch((error: Error) => error.message);
    failing = false;
    await inline();
    return [first, await step.awaitEvent(go)];
  });
  expect(status).toEqual(completed(["not yet", "own"]));
  expect(await eventStates(t)).toEqual(["go consumed"]);
});

test("an event created with the step context is awaited and sent by its id", async () => {
  const t = newBackend();
  const { status } = await runHandler(t, async (step) => {
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

test("a nested run sends events to its parent, which sends some back", async () => {
  const t = newBackend();
  script("handler", "child", async (step, parent: WorkflowId) => {
    await sendEvent(step, components.workflow, {
      name: "hello",
      workflowId: parent,
      value: step.workflowId,
    });
    return await step.awaitEvent(go);
  });
  const { status } = await runHandler(t, async (step) => {
    const child = step.runWorkflow(workflows.workflow, {
      handler: "child",
      input: step.workflowId,
    });
    const workflowId = await step.awaitEvent({
      name: "hello",
      validator: v.string(),
    });
    await step.runMutation(steps.mutation, { name: "send", input: workflowId });
    return await child;
  });
  expect(status).toEqual(completed("own"));
});

test("two runs that wait for each other's events in turn both end", async () => {
  const t = newBackend();
  const rally = (first: boolean) => async (step: WorkflowCtx, id: string) => {
    const other = (
      first
        ? await step.awaitEvent({ name: "other", validator: v.string() })
        : id
    ) as WorkflowId;
    for (let round = 0; round < 5; round++) {
      if (first || round > 0) await step.awaitEvent({ name: "ball" });
      // The other one is done by then.
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
  await t.mutation((ctx) =>
    sendEvent(ctx, components.workflow, {
      workflowId: first,
      name: "other",
      value: second,
    }),
  );
  await drain();
  for (const workflowId of [first, second])
    expect(await statusOf(t, workflowId)).toEqual(completed("played"));
});
