import { validate } from "convex-helpers/validators";
import { getConvexSize, v } from "convex/values";
import { describe, expect, test } from "vitest";
import { MAX_NAME_LENGTH } from "../../shared/limits.js";
import {
  components,
  drain,
  journal,
  newBackend,
  runHandler,
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
import { cancel, cleanup } from "../../testing/managing.js";
import { expectRefused } from "../../testing/directCalls.js";
import {
  listSteps,
  sendEvent,
  vWorkflowStep,
  type EventId,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// Refused calls. sendEvent and createEvent throw and change nothing. awaitEvent is a step that fails, and the
// handler can catch that.

useBackend();

const waitForGo = (step: WorkflowCtx) =>
  step.awaitEvent({ name: "go", validator: v.string() });

/** Starts a run that waits for one event by name and one by id, and returns other ids. */
async function waitingRun(t: Backend) {
  const { workflowId, ids } = await startWithEvents(
    t,
    ["other", "later"],
    (step, id) =>
      Promise.all([
        waitForGo(step),
        step.awaitEvent({ id, validator: v.string() }),
      ]),
  );
  await drain();
  const [step] = await journal(t, workflowId);
  return { workflowId, id: ids[0], later: ids[1], stepId: step!._id };
}

test("an id can't be sent twice, and the error has the event's id, name and run", async () => {
  const t = newBackend();
  const { workflowId, id, later } = await waitingRun(t);
  await send(t, { id: later, value: "nobody awaits it" });
  await expectRefused(
    t,
    new RegExp(`^Event already sent: ${later} .*"later".*${workflowId}`),
    () => send(t, { id: later, value: "second" }),
  );
  const consumed = new RegExp(
    `^Event already consumed: ${id} .*"other".*${workflowId}`,
  );
  await t.mutation(async (ctx) => {
    await sendEvent(ctx, components.workflow, { id, value: "first" });
    // The transaction's first send stays.
    await expect(
      sendEvent(ctx, components.workflow, { id, value: "second" }),
    ).rejects.toThrow(consumed);
  });
  await drain();
  for (const payload of [{ value: "second" }, { error: "second" }])
    await expectRefused(t, consumed, () => send(t, { id, ...payload }));
  await send(t, { workflowId, name: "go", value: "by name" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["by name", "first"]),
  );
});

test("sending and creating refuse invalid ids and ids of other tables", async () => {
  const t = newBackend();
  const { workflowId, id, stepId } = await waitingRun(t);
  const appId = await t.run((ctx) =>
    ctx.db.insert("effects", { key: "a", value: 1 }),
  );
  for (const wrong of ["", "garbage", stepId, appId, workflowId])
    await expectRefused(t, new RegExp(`^Event not found: ${wrong}`), () =>
      send(t, { id: wrong as unknown as EventId }),
    );
  for (const wrong of ["", "garbage", stepId, appId, id])
    for (const call of [
      () => send(t, { workflowId: wrong, name: "go" }),
      () => create(t, wrong as never, "go"),
    ])
      await expectRefused(
        t,
        new RegExp(`^Invalid workflow ID: ${wrong}`),
        call,
      );
  for (const event of [{}, { name: "go" }, { workflowId }])
    await expectRefused(
      t,
      /^To send an event, give its id, or its name and the workflowId/,
      () => send(t, event as never),
    );
});

test("an event can't be sent or created with too long a name", async () => {
  const t = newBackend();
  const { workflowId } = await waitingRun(t);
  const name = "n".repeat(MAX_NAME_LENGTH + 1);
  for (const call of [
    () => send(t, { workflowId, name }),
    () => create(t, workflowId, name),
  ])
    await expectRefused(
      t,
      "is too long: 1025 characters, the maximum is 1024",
      call,
    );
});

describe("a huge name or id is truncated in the error, but never inside a character", () => {
  const huge = "🦭".repeat(300_000);

  test("where it is sent or created", async () => {
    const t = newBackend();
    const { workflowId } = await waitingRun(t);
    for (const call of [
      () => send(t, { id: huge as EventId }),
      () => send(t, { workflowId, name: huge }),
      () => send(t, { workflowId: huge, name: "go" }),
      () => create(t, workflowId, huge),
      () => create(t, huge as never, "go"),
      () =>
        send(t, { workflowId, name: huge, value: 1, validator: v.string() }),
    ]) {
      const error = await call().then(
        () => "none",
        (thrown: Error) => thrown.message,
      );
      expect(error).toMatch(/🦭…/u);
      expect(error.length).toBeLessThan(400);
      expect(error).not.toMatch(/\p{Surrogate}/u);
    }
  });

  test("where it is awaited, and the step is recorded with the id", async () => {
    const t = newBackend();
    const id = "🦭".repeat(175_000) as EventId;
    const { status, workflowId } = await runHandler(t, async (step) => {
      await step.awaitEvent({ name: "go", id }).catch(() => undefined);
      await step.awaitEvent({ name: huge }).catch(() => undefined);
      return "caught";
    });
    expect(status).toEqual(completed("caught"));
    const [row] = await journal(t, workflowId);
    const { error } = row!.step.runResult as { error: string };
    expect(error).toMatch(/^Event not found: 🦭+…\. /u);
    expect(error).not.toMatch(/\p{Surrogate}/u);
    expect(getConvexSize(row as never)).toBeLessThan(1 << 20);
  });
});

/** Creates an event "theirs" of another run, which waits for "go". */
async function otherRun(t: Backend) {
  const other = await startHandler(t, waitForGo, { name: "other" });
  return { other, id: await create(t, other, "theirs") };
}

test.each<{
  what: string;
  idOf: (t: Backend, workflowId: WorkflowId) => Promise<string>;
  error: RegExp;
}>([
  {
    what: "an id of nothing",
    idOf: async () => "garbage",
    error: /^Event not found: garbage/,
  },
  { what: "an empty id", idOf: async () => "", error: /^Event not found: / },
  {
    what: "an id of another table",
    idOf: async (_t, workflowId) => workflowId,
    error: /^Event not found: \S*workflows/,
  },
  {
    what: "an event of another run",
    idOf: async (t) => {
      const { id } = await otherRun(t);
      return id;
    },
    error: /\S*events .*"theirs".*workflows/,
  },
  {
    what: "an event of a run that was deleted",
    idOf: async (t) => {
      const { other, id } = await otherRun(t);
      await cancel(t, other);
      await cleanup(t, other);
      return id;
    },
    error: /^Event not found: \S*events/,
  },
])(
  "a step that awaits $what rejects on every replay and can be caught",
  async ({ idOf, error }) => {
    const t = newBackend();
    const seen = new Set<string>();
    let id = "";
    const workflowId = await startHandler(
      t,
      async (step) => {
        const caught = await step.awaitEvent({ id: id as EventId }).then(
          () => "nothing",
          ({ message }: Error) => message,
        );
        seen.add(caught);
        await step.runMutation(steps.echo, { value: 1 });
        await step.sleep(1000);
        return caught;
      },
      { startAsync: true },
    );
    id = await idOf(t, workflowId);
    const states = await eventStates(t);
    await drain();
    expect([...seen]).toEqual([expect.stringMatching(error)]);
    expect([...seen][0]).toContain(id);
    expect(await statusOf(t, workflowId)).toEqual(completed([...seen][0]));
    // The other run's event doesn't change.
    expect(await eventStates(t)).toEqual(states);
    const [row] = await journal(t, workflowId);
    expect(row?.step).toMatchObject({
      kind: "event",
      inProgress: false,
      runResult: { kind: "failed", error: [...seen][0] },
    });
    const { page } = await t.query((ctx) =>
      listSteps(ctx, components.workflow, workflowId),
    );
    expect(page[0]).toMatchObject({ kind: "event", args: { eventId: id } });
    // A refused step has no event.
    expect(page[0]).not.toHaveProperty("eventId");
    expect(validate(vWorkflowStep, page[0])).toBe(true);
  },
);
