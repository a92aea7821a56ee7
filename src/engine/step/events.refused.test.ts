import { getConvexSize, v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  journal,
  newBackend,
  runHandler,
  statusOf,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { create, send, startWithEvents } from "../../testing/events.js";
import { everyRow } from "../../testing/tables.js";
import {
  createEvent,
  sendEvent,
  type EventId,
  type WorkflowCtx,
} from "../../client/index.js";

// What sendEvent and createEvent refuse. They throw, and leave everything as it was.

useBackend();

const waitForGo = (step: WorkflowCtx) =>
  step.awaitEvent({ name: "go", validator: v.string() });

async function expectRefused(
  t: Backend,
  call: () => Promise<unknown>,
  error: RegExp,
) {
  const before = await everyRow(t);
  await expect(call()).rejects.toThrow(error);
  expect(await everyRow(t)).toEqual(before);
}

/** A run that waits for two events, one by its name and one by its id. */
async function waitingRun(t: Backend) {
  const { workflowId, ids } = await startWithEvents(t, ["other"], (step, id) =>
    Promise.all([
      waitForGo(step),
      step.awaitEvent({ id, validator: v.string() }),
    ]),
  );
  await drain();
  return { workflowId, id: ids[0] };
}

describe("an id that was sent before can't be sent again: the error names event, name and run", () => {
  test("while nobody has awaited it", async () => {
    const t = newBackend();
    const { workflowId, ids } = await startWithEvents(t, ["later"], waitForGo);
    const [id] = ids;
    await send(t, { id, value: "first" });
    await expectRefused(
      t,
      () => send(t, { id, value: "second" }),
      new RegExp(`^Event already sent: ${id} .*"later".*${workflowId}`),
    );
  });

  test("after it was consumed", async () => {
    const t = newBackend();
    const { workflowId, id } = await waitingRun(t);
    await send(t, { id, value: "first" });
    await drain();
    for (const event of [
      { id, value: "second" },
      { id, error: "second" },
    ])
      await expectRefused(
        t,
        () => send(t, event),
        new RegExp(`^Event already consumed: ${id} .*"other".*${workflowId}`),
      );
    await send(t, { workflowId, name: "go", value: "by name" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["by name", "first"]),
    );
  });

  test("in the transaction that sent it, whose own send stays", async () => {
    const t = newBackend();
    const { workflowId, id } = await waitingRun(t);
    await t.mutation(async (ctx) => {
      await sendEvent(ctx, components.workflow, { id, value: "first" });
      await expect(
        sendEvent(ctx, components.workflow, { id, value: "second" }),
      ).rejects.toThrow(/^Event already consumed: /);
    });
    await send(t, { workflowId, name: "go", value: "by name" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(
      completed(["by name", "first"]),
    );
  });
});

describe("ids of nothing, or of something else, are refused", () => {
  test("to send to", async () => {
    const t = newBackend();
    const { workflowId, id } = await waitingRun(t);
    const [step] = await journal(t, workflowId);
    const appId = await t.run((ctx) =>
      ctx.db.insert("effects", { key: "a", value: 1 }),
    );
    for (const wrong of ["", "garbage", workflowId, step!._id, appId])
      await expectRefused(
        t,
        () => send(t, { id: wrong as unknown as EventId }),
        new RegExp(`^Event not found: ${wrong}`),
      );
    for (const wrong of ["", "garbage", id, step!._id, appId])
      await expectRefused(
        t,
        () => send(t, { workflowId: wrong, name: "go" }),
        new RegExp(`^Invalid workflow ID: ${wrong}`),
      );
  });

  test("to create for", async () => {
    const t = newBackend();
    const { workflowId, id } = await waitingRun(t);
    const [step] = await journal(t, workflowId);
    for (const wrong of ["", "garbage", id, step!._id])
      await expectRefused(
        t,
        () => create(t, wrong as never, "go"),
        new RegExp(`^Invalid workflow ID: ${wrong}`),
      );
  });

  test("neither an id nor a name and a run", async () => {
    const t = newBackend();
    const { workflowId } = await waitingRun(t);
    for (const event of [{}, { name: "go" }, { workflowId }])
      await expectRefused(
        t,
        () => send(t, event as never),
        /^To send an event, give its id, or its name and the workflowId/,
      );
  });
});

describe("a huge name or id is cut in the error, never inside a character", () => {
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

  test("where it is awaited: the step is recorded beside its id", async () => {
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

test("an event of a transaction that fails was never sent", async () => {
  const t = newBackend();
  const { workflowId } = await waitingRun(t);
  await expectRefused(
    t,
    () =>
      t.mutation(async (ctx) => {
        await sendEvent(ctx, components.workflow, { workflowId, name: "go" });
        await createEvent(ctx, components.workflow, { workflowId, name: "a" });
        throw new Error("not this time");
      }),
    /^not this time$/,
  );
});
