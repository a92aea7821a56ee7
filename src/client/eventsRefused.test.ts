import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  components,
  drain,
  journal,
  newBackend,
  runHandler,
  startHandler,
  statusOf,
  useBackend,
  type Backend,
} from "../testing/harness.js";
import {
  cancelRun,
  create,
  eventStates,
  send,
  startWithEvents,
} from "../testing/events.js";
import { everyRow } from "../testing/tables.js";
import {
  cleanup,
  createEvent,
  sendEvent,
  type EventId,
  type WorkflowCtx,
  type WorkflowId,
} from "./index.js";

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
        new RegExp(`^Event already sent: ${id} .*"other".*${workflowId}`),
      );
    await send(t, { workflowId, name: "go", value: "by name" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual({
      type: "completed",
      result: ["by name", "first"],
    });
  });

  test("in the transaction that sent it, whose own send stays", async () => {
    const t = newBackend();
    const { workflowId, id } = await waitingRun(t);
    await t.mutation(async (ctx) => {
      await sendEvent(ctx, components.workflow, { id, value: "first" });
      await expect(
        sendEvent(ctx, components.workflow, { id, value: "second" }),
      ).rejects.toThrow(/^Event already sent: /);
    });
    await send(t, { workflowId, name: "go", value: "by name" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual({
      type: "completed",
      result: ["by name", "first"],
    });
  });
});

describe("nothing can be sent to, or created for, a run that is over (better: it throws and writes nothing)", () => {
  const deletedRun = async (t: Backend) => {
    const run = await waitingRun(t);
    await cancelRun(t, run.workflowId);
    await drain();
    await t.mutation((ctx) =>
      cleanup(ctx, components.workflow, run.workflowId),
    );
    await drain();
    return run;
  };
  const endings: {
    how: string;
    end: (t: Backend) => Promise<{ workflowId: WorkflowId; id: EventId }>;
    error: RegExp;
  }[] = [
    {
      how: "completed",
      end: async (t) => {
        const run = await runAndCreate(t, async () => "done");
        expect(await statusOf(t, run.workflowId)).toMatchObject({
          type: "completed",
        });
        return run;
      },
      error: /workflow \S+: it is already completed/,
    },
    {
      how: "failed",
      end: async (t) => {
        const run = await runAndCreate(t, async () => {
          throw new Error("no");
        });
        expect(await statusOf(t, run.workflowId)).toMatchObject({
          type: "failed",
        });
        return run;
      },
      error: /workflow \S+: it is already failed/,
    },
    {
      how: "canceled",
      end: async (t) => {
        const run = await waitingRun(t);
        await cancelRun(t, run.workflowId);
        return run;
      },
      error: /workflow \S+: it is already canceled/,
    },
  ];

  /** A run that ends by itself while an event of it is created, and not sent. */
  const runAndCreate = async (t: Backend, handler: () => Promise<unknown>) => {
    const { workflowId, ids } = await startWithEvents(t, ["other"], handler);
    await drain();
    return { workflowId, id: ids[0] };
  };

  test.each(endings)("$how", async ({ end, error }) => {
    const t = newBackend();
    const { workflowId, id } = await end(t);
    for (const event of [
      { workflowId, name: "go", value: "late" },
      { workflowId, name: "go", error: "late" },
      { id, value: "late" },
    ])
      await expectRefused(t, () => send(t, event), error);
    await expectRefused(t, () => create(t, workflowId, "go"), error);
    await expect(send(t, { id })).rejects.toThrow(workflowId);
  });

  test("deleted", async () => {
    const t = newBackend();
    const { workflowId, id } = await deletedRun(t);
    expect(await eventStates(t)).toEqual([]);
    await expectRefused(
      t,
      () => send(t, { workflowId, name: "go" }),
      new RegExp(`^Workflow not found: ${workflowId}`),
    );
    await expectRefused(
      t,
      () => send(t, { id }),
      new RegExp(`^Event not found: ${id}`),
    );
    await expectRefused(
      t,
      () => create(t, workflowId, "go"),
      new RegExp(`^Workflow not found: ${workflowId}`),
    );
  });

  test("and a caller that catches the error goes on with its own transaction", async () => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, async () => "done");
    const value = await t.mutation(async (ctx) => {
      try {
        await sendEvent(ctx, components.workflow, { workflowId, name: "go" });
        return "sent";
      } catch {
        return "caught";
      }
    });
    expect(value).toBe("caught");
    expect(await eventStates(t)).toEqual([]);
  });
});

describe("ids that are of nothing, or of something else", () => {
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
        () => send(t, { workflowId: wrong as never, name: "go" }),
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

  test("an event's id with a name or a run that isn't its own", async () => {
    const t = newBackend();
    const { workflowId, id } = await waitingRun(t);
    const other = await startHandler(t, waitForGo);
    await expectRefused(
      t,
      () => send(t, { id, name: "go" }),
      new RegExp(`${id} .*"other".*${workflowId}.*"go"`),
    );
    await expectRefused(
      t,
      () => send(t, { id, workflowId: other }),
      new RegExp(`${id} .*${workflowId}.*${other}`),
    );
    expect(await send(t, { id, name: "other", workflowId })).toBe(id);
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
