import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  effects,
  newBackend,
  rows,
  runHandler,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import {
  cancelRun,
  create,
  eventStates,
  send,
  startWithEvents,
} from "../../testing/events.js";
import { cleanup, listenToConsole, restart } from "../../testing/managing.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { EventId, WorkflowId } from "../../client/index.js";

// Events for runs that have finished or were cleaned up: accepted, with one warning.

useBackend();
const heard = listenToConsole();

const go = { name: "go", validator: v.string() };

/** Runs that have ended while they waited for an event "go". They have an event "other", too. */
const endings: {
  how: string;
  state: string;
  end: (t: Backend) => Promise<{ workflowId: WorkflowId; id: EventId }>;
}[] = [
  {
    how: "completed",
    state: "already completed",
    end: (t) => raced(t, async () => "done"),
  },
  {
    how: "failed",
    state: "already failed",
    end: (t) =>
      raced(t, async () => {
        throw new Error("no");
      }),
  },
  {
    how: "canceled",
    state: "already canceled",
    end: async (t) => {
      const run = await raced(t, () => new Promise(() => {}));
      await cancelRun(t, run.workflowId);
      return run;
    },
  },
];

let again = false;

/** A run that awaits "go" beside something else; once it was restarted, it awaits nothing else. */
async function raced(t: Backend, other: () => Promise<unknown>) {
  again = false;
  const { workflowId, ids } = await startWithEvents(
    t,
    ["other"],
    async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      const event = step.awaitEvent(go);
      return again ? await event : await Promise.race([event, other()]);
    },
  );
  await drain();
  heard.said = [];
  return { workflowId, id: ids[0] };
}

/** Nothing but the event and one warning that names it and the run. */
async function expectAccepted(
  t: Backend,
  event: Parameters<typeof send>[1],
  { says }: { says: (string | RegExp)[] },
) {
  const others = async () => {
    const { ["workflow.events"]: _events, ...tables } = await everyRow(t);
    return tables;
  };
  const before = await others();
  heard.said = [];
  const id = await send(t, event);
  await drain();
  expect(await others()).toEqual(before);
  expect(heard.said).toEqual([expect.stringMatching(/^Event /) as string]);
  for (const text of says) expect(heard.said[0]).toMatch(text);
  return id;
}

describe.each(endings)("a run that has $how", ({ end, state }) => {
  test("keeps an event that is sent to it, executes nothing, and a restart finds it", async () => {
    const t = newBackend();
    const { workflowId, id } = await end(t);
    const says = [/"(go|other)"/, workflowId, state, "restart"];
    await expectAccepted(
      t,
      { workflowId, name: "go", value: "late" },
      { says },
    );
    await expectAccepted(t, { id, value: "by id" }, { says });
    await expectAccepted(t, { workflowId, name: "new" }, { says: ["new"] });
    expect((await eventStates(t)).sort()).toEqual([
      "go sent",
      "new sent",
      "other sent",
    ]);
    expect(await effects(t)).toEqual([1]);
    again = true;
    await restart(t, workflowId);
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed("late"));
  });

  test("keeps an event that is sent by the id that the awaiting step had, until it is restarted from there", async () => {
    const t = newBackend();
    const { workflowId } = await end(t);
    const { page } = await t.query((ctx) =>
      client.listSteps(ctx, components.workflow, workflowId),
    );
    const { eventId } = page.at(-1) as { eventId: EventId };
    const says = [eventId, workflowId, state];
    expect(
      await expectAccepted(
        t,
        { id: eventId, value: "late" },
        { says: ['"go"', ...says.slice(1)] },
      ),
    ).toBe(eventId);
    await expect(send(t, { id: eventId })).rejects.toThrow(
      `Event already sent: ${eventId}`,
    );
    again = true;
    await restart(t, workflowId, { from: 1, startAsync: true });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed("late"));
  });

  test("keeps an event that is created for it, to be sent", async () => {
    const t = newBackend();
    const { workflowId } = await end(t);
    const id = await create(t, workflowId, "later");
    expect(heard.said).toEqual([expect.stringContaining(state) as string]);
    expect(await send(t, { id, value: 1 })).toBe(id);
  });

  test("refuses an event that is sent with strict: the error has a code, and nothing is written", async () => {
    const t = newBackend();
    const { workflowId, id } = await end(t);
    const before = await everyRow(t);
    for (const event of [
      { workflowId, name: "go", value: "late" },
      { workflowId, name: "go", error: "late" },
      { id, value: "late" },
    ])
      expect(await thrownBy(t, { ...event, strict: true })).toEqual({
        code: "WORKFLOW_FINISHED",
        workflowId,
        message: expect.stringContaining(
          `workflow ${workflowId}: it is ${state}`,
        ) as string,
      });
    expect(await everyRow(t)).toEqual(before);
    expect(heard.said).toEqual([]);
  });

  test("no longer accepts events once it is cleaned up, and nothing is left behind", async () => {
    const t = newBackend();
    const { workflowId, id } = await end(t);
    await send(t, { workflowId, name: "go" });
    await cleanup(t, workflowId);
    await drain();
    expect(await rows(t, "events")).toEqual([]);
    const before = await everyRow(t);
    const sent = await expectAccepted(
      t,
      { workflowId, name: "go" },
      { says: ['"go"', workflowId, "cleaned up"] },
    );
    expect(await expectAccepted(t, { id }, { says: [id, "cleaned up"] })).toBe(
      id,
    );
    await expectAccepted(t, { id: sent }, { says: [sent, "cleaned up"] });
    heard.said = [];
    await create(t, workflowId, "go");
    expect(heard.said).toHaveLength(1);
    expect(await thrownBy(t, { workflowId, name: "go", strict: true })).toEqual(
      {
        code: "WORKFLOW_NOT_FOUND",
        workflowId,
        message: expect.stringContaining(workflowId) as string,
      },
    );
    expect(await thrownBy(t, { id, strict: true })).toMatchObject({
      code: "WORKFLOW_NOT_FOUND",
    });
    expect(await everyRow(t)).toEqual(before);
  });
});

/** The data of the ConvexError that a send throws. */
async function thrownBy(t: Backend, event: Parameters<typeof send>[1]) {
  const error: unknown = await send(t, event).catch(
    (thrown: unknown) => thrown,
  );
  const { data } = error as { data: unknown };
  return (typeof data === "string" ? JSON.parse(data) : data) as unknown;
}

test("a caller that sends an event to a failed run keeps its own writes", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    await step.runMutation(steps.fail, { message: "no repository" });
    await step.awaitEvent(go);
  });
  await t.mutation(async (ctx) => {
    await ctx.db.insert("effects", { key: "task", value: "done" });
    await client.sendEvent(ctx, components.workflow, {
      ...go,
      workflowId,
      value: "task done",
    });
  });
  expect(await effects(t)).toEqual(["done"]);
  expect(await eventStates(t)).toEqual(["go sent"]);
});

test("strict lets an event through to a run in progress", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) => step.awaitEvent(go));
  await send(t, { workflowId, name: "go", value: "yes", strict: true });
  await drain();
  expect(await statusOf(t, workflowId)).toMatchObject({ result: "yes" });
});

test("an id decides which event is sent: a name or a run passed with it may be another's", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(t, ["made"], (step, id) =>
    step.awaitEvent({ ...go, id }),
  );
  const other = await startHandler(t, (step) => step.awaitEvent(go), {
    name: "other",
  });
  await drain();
  await send(t, { ...go, id: ids[0], workflowId: other, value: "by id" });
  await drain();
  expect(await statusOf(t, workflowId)).toMatchObject({ result: "by id" });
  expect(await statusOf(t, other)).toMatchObject({ type: "inProgress" });
});

test("an event that is sent while the waits of an ended run are still being dropped is kept", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    Promise.any(
      Array.from({ length: 300 }, () => step.awaitEvent({ name: "go" })),
    ),
  );
  await drain();
  await cancelRun(t, workflowId);
  const waiting = (await eventStates(t)).filter(
    (state) => state === "go waiting",
  );
  expect(waiting.length).toBeGreaterThan(0);
  await send(t, { workflowId, name: "go", value: "kept" });
  await drain();
  const states = await eventStates(t);
  expect(states.filter((state) => state !== "go created")).toEqual(["go sent"]);
  await restart(t, workflowId, { startAsync: true });
  await drain();
  expect(await statusOf(t, workflowId)).toMatchObject({ result: "kept" });
});
