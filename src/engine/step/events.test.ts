import { v } from "convex/values";
import { expect, test } from "vitest";
import {
  advance,
  components,
  drain,
  journal,
  newBackend,
  rows,
  startHandler,
  statusOf,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import {
  create,
  eventStates,
  send,
  startWithEvents,
} from "../../testing/events.js";
import {
  listSteps,
  type EventId,
  type WorkflowCtx,
} from "../../client/index.js";

// What becomes of events, one at a time: see events.ordering.test.ts for several of one name.

useBackend();

const value = v.string();

const awaitId = (step: WorkflowCtx, id: EventId) =>
  step.awaitEvent({ id, validator: value });

test("an event awaited first waits, and is consumed when it is sent", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    step.awaitEvent({ name: "go", validator: value }),
  );
  await drain();
  expect(await eventStates(t)).toEqual(["go waiting"]);
  expect(await statusOf(t, workflowId)).toMatchObject({
    type: "inProgress",
    running: [{ kind: "event", name: "go", args: {} }],
  });
  await send(t, { workflowId, name: "go", value: "now" });
  expect(await eventStates(t)).toEqual(["go consumed"]);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("now"));
});

test("an event sent before anyone waits is kept until it is awaited", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    await step.sleep(60_000);
    return await step.awaitEvent({ name: "go", validator: value });
  });
  await send(t, { workflowId, name: "go", value: "early" });
  await advance(30_000);
  expect(await eventStates(t)).toEqual(["go sent"]);
  await drain();
  expect(await eventStates(t)).toEqual(["go consumed"]);
  expect(await statusOf(t, workflowId)).toEqual(completed("early"));
});

test("an event sent before its run's first turn is kept until it is awaited", async () => {
  const t = newBackend();
  const workflowId = await startHandler(
    t,
    (step) => step.awaitEvent({ name: "go", validator: value }),
    { startAsync: true },
  );
  await send(t, { workflowId, name: "go", value: "early" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("early"));
});

test("an event created first is awaited, then sent, by its id", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(t, ["go"], awaitId);
  const [id] = ids;
  expect(await eventStates(t)).toEqual(["go created"]);
  await drain();
  expect(await eventStates(t)).toEqual(["go waiting"]);
  expect(await send(t, { id, value: "by id" })).toBe(id);
  expect(await eventStates(t)).toEqual(["go consumed"]);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("by id"));
});

test("an event created and sent by its id is kept until it is awaited by that id", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(t, ["go"], awaitId);
  const [id] = ids;
  await send(t, { id, value: "by id" });
  expect(await eventStates(t)).toEqual(["go sent"]);
  await drain();
  expect(await eventStates(t)).toEqual(["go consumed"]);
  expect(await statusOf(t, workflowId)).toEqual(completed("by id"));
});

test("an event sent by name takes the one that was created under it, which its id then names", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(t, ["go"], awaitId);
  const [id] = ids;
  expect(await send(t, { workflowId, name: "go", value: "by name" })).toBe(id);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("by name"));
});

test("an event awaited by name takes the one that was created under it", async () => {
  const t = newBackend();
  const workflowId = await startHandler(
    t,
    (step) => step.awaitEvent({ name: "go", validator: value }),
    { startAsync: true },
  );
  const id = await create(t, workflowId, "go");
  await drain();
  expect(await eventStates(t)).toEqual(["go waiting"]);
  await send(t, { id, value: "by id" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("by id"));
});

test("a wait for an id is resumed by that event only, not by others of its name", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(
    t,
    ["go", "go"],
    (step, _other, id) => awaitId(step, id),
  );
  const [other, id] = ids;
  await send(t, { id: other, value: "other" });
  await drain();
  expect(await eventStates(t)).toEqual(["go sent", "go waiting"]);
  expect((await statusOf(t, workflowId)).type).toBe("inProgress");
  await send(t, { id, value: "mine" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed("mine"));
  expect(await eventStates(t)).toEqual(["go sent", "go consumed"]);
});

test("an event of one run doesn't resume another that awaits the same name", async () => {
  const t = newBackend();
  const handler = (step: WorkflowCtx) =>
    step.awaitEvent({ name: "go", validator: value });
  const first = await startHandler(t, handler);
  const second = await startHandler(t, handler);
  await send(t, { workflowId: second, name: "go", value: "second's" });
  await drain();
  expect((await statusOf(t, first)).type).toBe("inProgress");
  expect(await statusOf(t, second)).toEqual(completed("second's"));
});

test("an event of one name doesn't resume a wait for another", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    step.awaitEvent({ name: "go", validator: value }),
  );
  await send(t, { workflowId, name: "gone", value: "no" });
  await drain();
  expect(await eventStates(t)).toEqual(["go waiting", "gone sent"]);
  expect((await statusOf(t, workflowId)).type).toBe("inProgress");
});

test("an event's row says when it was awaited, sent and consumed, and by which step", async () => {
  const t = newBackend();
  const start = Date.now();
  const workflowId = await startHandler(t, async (step) => {
    await step.awaitEvent({ name: "awaited first" });
    await step.sleep(1000);
    await step.awaitEvent({ name: "sent first" });
  });
  await advance(300);
  await send(t, { workflowId, name: "awaited first" });
  await send(t, { workflowId, name: "sent first" });
  await drain();
  const [first, , second] = await journal(t, workflowId);
  const states = (await rows(t, "events")).map(({ state }) => state);
  expect(states).toEqual([
    {
      kind: "consumed",
      waitingAt: start,
      sentAt: start + 300,
      consumedAt: start + 300,
      stepId: first?._id,
    },
    {
      kind: "consumed",
      waitingAt: second?.step.startedAt,
      sentAt: start + 300,
      consumedAt: second?.step.completedAt,
      stepId: second?._id,
    },
  ]);
  expect(second?.step.startedAt).toBeGreaterThanOrEqual(start + 1300);
});

test("a step that awaits an event is listed with the event's id, while it waits and after", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    await step.awaitEvent({ name: "go" });
  });
  const listed = () =>
    t.query((ctx) => listSteps(ctx, components.workflow, workflowId));
  const [waiting] = (await listed()).page;
  expect(waiting).toMatchObject({ kind: "event", name: "go", stepNumber: 0 });
  expect(waiting).not.toHaveProperty("runResult");
  const id = await send(t, { workflowId, name: "go", value: 1 });
  const [consumed] = (await listed()).page;
  expect(waiting).toHaveProperty("eventId", id);
  expect(consumed).toMatchObject({
    eventId: id,
    runResult: { kind: "success", returnValue: 1 },
  });
});
