import { expect, test } from "vitest";
import { manager } from "../../testing/app/workflows.js";
import { create, eventStates, send } from "../../testing/events.js";
import { insertRun, listenToConsole } from "../../testing/managing.js";
import {
  advance,
  components,
  newBackend,
  startHandler,
  useBackend,
} from "../../testing/harness.js";
import { listEvents, type WorkflowId } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const { workflow } = components;

test("lists created, sent, waiting and consumed events with their values, times and steps", async () => {
  const t = newBackend();
  const id = await startHandler(t, async (step) => {
    await step.awaitEvent({ name: "first" });
    await step.awaitEvent({ name: "failing" }).catch(() => 0);
    await step.awaitEvent({ name: "second" });
  });
  const time = expect.any(Number) as number;
  const waiting = await t.query((ctx) => manager.listEvents(ctx, id));
  expect(waiting.page).toEqual([
    {
      eventId: expect.any(String) as string,
      name: "first",
      state: "waiting",
      waitingSince: time,
      stepNumber: 0,
    },
  ]);
  const created = await create(t, id, "by id");
  await send(t, { workflowId: id, name: "first", value: { a: 1 } });
  await send(t, { workflowId: id, name: "failing", error: "no" });
  await send(t, { workflowId: id, name: "other", value: 2 });
  await advance(1000);
  const { page } = await t.query((ctx) => listEvents(ctx, workflow, id));
  expect(page.map(({ eventId: _id, ...event }) => event)).toEqual([
    {
      name: "first",
      state: "consumed",
      sentAt: time,
      stepNumber: 0,
      value: { a: 1 },
    },
    { name: "by id", state: "created" },
    {
      name: "failing",
      state: "consumed",
      sentAt: time,
      stepNumber: 1,
      error: "no",
    },
    { name: "other", state: "sent", sentAt: time, value: 2 },
    { name: "second", state: "waiting", waitingSince: time, stepNumber: 2 },
  ]);
  expect(page[1]!.eventId).toBe(created);
});

test("a wait for a name logs if only events with other names were sent before or after it", async () => {
  const t = newBackend();
  const waitsFor = "approved";
  const id = await startHandler(
    t,
    (step) => step.awaitEvent({ name: waitsFor }),
    { startAsync: true },
  );
  await send(t, { workflowId: id, name: "aproved" });
  expect(heard.said).toEqual([]);
  await advance(1000);
  expect(heard.said).toEqual([
    expect.stringMatching(
      /^Step 0 of workflow \S+ \("workflows:workflow"\) waits for event "approved", which was not sent, while event "aproved" was sent and no step awaits it\.$/,
    ),
  ]);
  await send(t, { workflowId: id, name: "aprooved" });
  expect(heard.said[1]).toMatch(
    /^Event "aprooved" was sent to workflow \S+ .* which waits for event "approved"\. It is kept/,
  );
  await send(t, { workflowId: id, name: waitsFor });
  expect(heard.said).toHaveLength(2);
});

test("a wait with a timeout or for an id logs nothing, and neither do waits whose events were sent before", async () => {
  const t = newBackend();
  const names = ["a", "b", "c"];
  const id = await startHandler(
    t,
    async (step) => {
      for (const name of names) await step.awaitEvent({ name });
      const late = step.awaitEvent({ name: "late", timeout: 500 });
      await late.catch(() => undefined);
      const { workflowId } = step;
      const event = { name: "by id", workflowId };
      await step.awaitEvent({ id: await manager.createEvent(step, event) });
    },
    { startAsync: true },
  );
  for (const name of [...names, "kept"])
    await send(t, { workflowId: id, name });
  await advance(2000);
  expect((await eventStates(t)).slice(3)).toEqual([
    "kept sent",
    "by id waiting",
  ]);
  expect(heard.said).toEqual([]);
});

test("a cursor of another run is refused", async () => {
  const t = newBackend();
  const id = await insertRun(t);
  const other = await insertRun(t);
  for (const run of [id, other])
    for (const name of ["a", "b"]) await create(t, run, name);
  const page = (run: WorkflowId, cursor: string | null) => {
    const paginationOpts = { numItems: 1, cursor };
    return t.query((ctx) => listEvents(ctx, workflow, run, { paginationOpts }));
  };
  const { continueCursor } = await page(other, null);
  await expect(page(id, continueCursor)).rejects.toThrow(/^Invalid cursor: /);
});
