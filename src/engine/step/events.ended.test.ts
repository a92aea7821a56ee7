import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  effects,
  newBackend,
  rows,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import {
  create,
  eventStates,
  send,
  startWithEvents,
} from "../../testing/events.js";
import {
  cancel,
  cleanup,
  listenToConsole,
  restart,
} from "../../testing/managing.js";
import { everyRow } from "../../testing/tables.js";
import * as client from "../../client/index.js";
import type { EventId } from "../../client/index.js";

// Events for finished or cleaned-up runs are accepted with one warning.

useBackend();
const heard = listenToConsole();

const go = { name: "go", validator: v.string() };

/** Ways to end a run that awaits "go" and something else. */
const endings: {
  how: string;
  ends: () => Promise<unknown>;
  cancels?: boolean;
}[] = [
  { how: "completed", ends: async () => "done" },
  { how: "failed", ends: () => Promise.reject(new Error("no")) },
  { how: "canceled", ends: () => new Promise(() => {}), cancels: true },
];

/** Expects only the event, and one warning that names the event and the run. */
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

describe.each(endings)("a run that has $how", ({ how, ends, cancels }) => {
  const state = `already ${how}`;

  /** Ends a run that also has an event "other". After a restart, it awaits only "go". */
  async function ended(t: Backend) {
    let again = false;
    const { workflowId, ids } = await startWithEvents(
      t,
      ["other"],
      async (step) => {
        await step.runMutation(steps.echo, { value: 1 });
        const event = step.awaitEvent(go);
        return again ? await event : await Promise.race([event, ends()]);
      },
    );
    await drain();
    if (cancels) await cancel(t, workflowId);
    heard.said = [];
    const expectRestarted = async (options?: Parameters<typeof restart>[2]) => {
      again = true;
      await restart(t, workflowId, options);
      await drain();
      expect(await statusOf(t, workflowId)).toEqual(completed("late"));
    };
    return { workflowId, id: ids[0], expectRestarted };
  }

  test("keeps an event for a restart without executing anything", async () => {
    const t = newBackend();
    const { workflowId, id, expectRestarted } = await ended(t);
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
    const says = [/"(go|other)"/, workflowId, state, "restart"];
    await expectAccepted(
      t,
      { workflowId, name: "go", value: "late" },
      { says },
    );
    await expectAccepted(t, { id, value: "by id" }, { says });
    await expectAccepted(t, { workflowId, name: "new" }, { says: ["new"] });
    heard.said = [];
    const later = await create(t, workflowId, "later");
    expect(heard.said).toEqual([expect.stringContaining(state) as string]);
    expect(await send(t, { id: later, value: 1 })).toBe(later);
    expect((await eventStates(t)).sort()).toEqual([
      "go sent",
      "later sent",
      "new sent",
      "other sent",
    ]);
    expect(await effects(t)).toEqual([1]);
    await expectRestarted();
  });

  test("keeps an event that is sent by its waiting step's id until a restart from that step", async () => {
    const t = newBackend();
    const { workflowId, expectRestarted } = await ended(t);
    const { page } = await t.query((ctx) =>
      client.listSteps(ctx, components.workflow, workflowId),
    );
    const { eventId: id } = page.at(-1) as { eventId: EventId };
    const says = ['"go"', workflowId, state];
    expect(await expectAccepted(t, { id, value: "late" }, { says })).toBe(id);
    await expect(send(t, { id })).rejects.toThrow(`Event already sent: ${id}`);
    await expectRestarted({ from: 1, startAsync: true });
  });

  test("no longer keeps events after cleanup", async () => {
    const t = newBackend();
    const { workflowId, id } = await ended(t);
    await send(t, { workflowId, name: "go" });
    await cleanup(t, workflowId);
    await drain();
    expect(await rows(t, "events")).toEqual([]);
    const before = await everyRow(t);
    const says = (what: string) => ({ says: [what, "cleaned up"] });
    const named = { workflowId, name: "go" };
    const sent = await expectAccepted(t, named, says(`"go"`));
    expect(heard.said[0]).toContain(workflowId);
    expect(await expectAccepted(t, { id }, says(id))).toBe(id);
    await expectAccepted(t, { id: sent }, says(sent));
    heard.said = [];
    await create(t, workflowId, "go");
    expect(heard.said).toHaveLength(1);
    expect(await thrownBy(t, { ...named, strict: true })).toEqual({
      code: "WORKFLOW_NOT_FOUND",
      workflowId,
      message: expect.stringContaining(workflowId) as string,
    });
    expect(await thrownBy(t, { id, strict: true })).toMatchObject({
      code: "WORKFLOW_NOT_FOUND",
    });
    expect(await everyRow(t)).toEqual(before);
  });
});

/** Returns the data of the ConvexError that a send throws. */
async function thrownBy(t: Backend, event: Parameters<typeof send>[1]) {
  const error: unknown = await send(t, event).catch(
    (thrown: unknown) => thrown,
  );
  const { data } = error as { data: unknown };
  return (typeof data === "string" ? JSON.parse(data) : data) as unknown;
}

test("strict accepts an event for a run in progress", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) => step.awaitEvent(go));
  await send(t, { workflowId, name: "go", value: "yes", strict: true });
  await drain();
  expect(await statusOf(t, workflowId)).toMatchObject({ result: "yes" });
});

test("an id alone decides which event is sent, even with another name or run", async () => {
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

test("an event is kept if it is sent while an ended run's waits are still being dropped", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    Promise.any(
      Array.from({ length: 300 }, () => step.awaitEvent({ name: "go" })),
    ),
  );
  await drain();
  await cancel(t, workflowId);
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
