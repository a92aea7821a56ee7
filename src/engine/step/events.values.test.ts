import { v, type Validator } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  drain,
  newBackend,
  rows,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { eventStates, send } from "../../testing/events.js";
import { everyRow } from "../../testing/tables.js";
import {
  defineEvent,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// What an event carries, from who sends it to who awaits it.

useBackend();

type SentEvent = Parameters<typeof send>[1];
type Payload = Pick<SentEvent, "value" | "error" | "validator">;

/** Both ways for an event to reach its step: sent before, and sent while it is awaited. */
const ways: {
  way: string;
  deliver: (
    t: Backend,
    handler: (step: WorkflowCtx) => Promise<unknown>,
    payload: Payload,
  ) => Promise<WorkflowId>;
}[] = [
  {
    way: "sent before it is awaited",
    deliver: async (t, handler, payload) => {
      const options = { startAsync: true };
      const workflowId = await startHandler(t, handler, options);
      await send(t, { workflowId, name: "go", ...payload } as SentEvent);
      await drain();
      return workflowId;
    },
  },
  {
    way: "sent while it is awaited",
    deliver: async (t, handler, payload) => {
      const workflowId = await startHandler(t, handler);
      await send(t, { workflowId, name: "go", ...payload } as SentEvent);
      await drain();
      return workflowId;
    },
  },
];

const awaiting =
  (validator?: Validator<any, "required" | "optional", any>) =>
  (step: WorkflowCtx) =>
    step.awaitEvent({ name: "go", validator });

/** The handler's, to see what it catches; run again over its journal after a step. */
const catching =
  (validator?: Validator<any, "required" | "optional", any>) =>
  async (step: WorkflowCtx) => {
    let caught: unknown;
    try {
      await awaiting(validator)(step);
    } catch (error) {
      caught = `${(error as Error).constructor.name}: ${(error as Error).message}`;
    }
    await step.runMutation(steps.echo, { value: caught ?? "nothing" });
    return caught;
  };

describe.each(ways)("an event $way", ({ deliver }) => {
  const result = async (
    handler: (step: WorkflowCtx) => Promise<unknown>,
    payload: Payload,
  ) => {
    const t = newBackend();
    const workflowId = await deliver(t, handler, payload);
    expect(await eventStates(t)).toEqual(["go consumed"]);
    const status = await statusOf(t, workflowId);
    return status.type === "completed" ? status.result : status;
  };

  test("resolves a wait that has a validator with its value", async () => {
    const value = {
      text: "yes",
      list: [1, 2n],
      bytes: new ArrayBuffer(3),
      nothing: null,
    };
    const validator = v.object({
      text: v.string(),
      list: v.array(v.union(v.number(), v.int64())),
      bytes: v.bytes(),
      nothing: v.null(),
    });
    expect(await result(awaiting(validator), { value })).toEqual(value);
    expect(await result(awaiting(validator), { value, validator })).toEqual(
      value,
    );
  });

  test("resolves a wait without a validator with the value that was sent, or null if none was", async () => {
    const value = { any: [1, "field"] };
    expect(await result(awaiting(), { value })).toEqual(value);
    expect(await result(awaiting(), { value: 7, validator: v.number() })).toBe(
      7,
    );
    expect(await result(awaiting(), {})).toBeNull();
  });

  test("loses the fields that a validator doesn't name, on either side and at any depth", async () => {
    const value = {
      a: 1,
      extra: true,
      list: [
        { b: 2, extra: true },
        { c: "3", extra: true },
      ],
      byKey: { one: { a: 4, extra: true } },
    };
    const validator = v.object({
      a: v.number(),
      list: v.array(
        v.union(v.object({ b: v.number() }), v.object({ c: v.string() })),
      ),
      byKey: v.record(v.string(), v.object({ a: v.number() })),
    });
    const parsed = {
      a: 1,
      list: [{ b: 2 }, { c: "3" }],
      byKey: { one: { a: 4 } },
    };
    expect(await result(awaiting(validator), { value })).toEqual(parsed);
    expect(await result(awaiting(), { value, validator })).toEqual(parsed);
    expect(await result(awaiting(validator), { value, validator })).toEqual(
      parsed,
    );
  });

  test("has the value null when it was sent without one", async () => {
    expect(await result(awaiting(v.null()), {})).toBeNull();
  });

  test("rejects, also on replay, if its value doesn't match the validator of the wait", async () => {
    const caught = await result(catching(v.number()), { value: "seven" });
    expect(caught).toMatch(
      /^Error: The value sent for event "go" is not what awaitEvent expects: /,
    );
    const missing = await result(catching(v.number()), {});
    expect(missing).toMatch(/^Error: The value sent for event "go"/);
  });

  test("fails the run if its value doesn't match the validator and the error isn't caught", async () => {
    expect(
      await result(awaiting(v.number()), { value: "seven" }),
    ).toMatchObject({
      type: "failed",
      error: expect.stringContaining("number") as string,
    });
  });

  test("with an error makes the wait throw that error, with or without a validator", async () => {
    for (const validator of [undefined, v.number()])
      expect(
        await result(catching(validator), { error: "Declined by Ann" }),
      ).toBe("Error: Declined by Ann");
  });

  test("with an error fails a run that doesn't catch it", async () => {
    expect(await result(awaiting(), { error: "Declined" })).toEqual(
      failed("Declined"),
    );
  });

  test("with an empty error is an error too", async () => {
    expect(await result(catching(), { error: "" })).toBe("Error: ");
  });

  test("with a very long error delivers it shortened", async () => {
    const caught = await result(catching(), { error: "x".repeat(2_000_000) });
    expect(caught).toMatch(/^Error: xxx/);
    expect((caught as string).length).toBeLessThan(17_000);
  });

  test("delivers a value of just under 800 KiB", async () => {
    const value = "x".repeat(800 * 1024 - 100);
    expect(await result(awaiting(v.string()), { value })).toBe(value);
  });
});

describe("sendEvent throws and writes nothing", () => {
  const refused = async (payload: Payload, error: RegExp) => {
    const t = newBackend();
    const workflowId = await startHandler(t, awaiting(v.string()));
    const before = await everyRow(t);
    const event = { workflowId, name: "go", ...payload } as SentEvent;
    const sending = send(t, event);
    await expect(sending).rejects.toThrow(error);
    expect(await everyRow(t)).toEqual(before);
    // The event can still be sent.
    await send(t, { workflowId, name: "go", value: "as it should be" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed("as it should be"));
    return await sending.catch((error: Error) => error.message);
  };

  test("when the value doesn't match its own validator", async () => {
    await refused(
      { value: 7, validator: v.string() },
      /^Invalid value for event "go": .*string/,
    );
    await refused({ validator: v.string() }, /^Invalid value for event "go": /);
  });

  test("when the value is over 800 KiB, with an error that gives its size, the maximum and its beginning", async () => {
    const value = `begins ${"x".repeat(800 * 1024)}`;
    const message = await refused({ value }, /819209 bytes.*819200 bytes/);
    expect(message).toContain("begins xxx");
    expect(message.length).toBeLessThan(17_000);
  });

  test("when the value can't be stored in a document", async () => {
    let nested: unknown = "deep";
    for (let level = 0; level < 20; level++) nested = [nested];
    await refused({ value: nested }, /event "go".*nested/);
    const fields = Object.fromEntries(
      Array.from({ length: 1025 }, (_, field) => [`f${field}`, field]),
    );
    await refused({ value: fields }, /event "go".*1025 fields/);
  });
});

test("defineEvent's definition, spread into both sides, carries name and validator", async () => {
  const approval = defineEvent({
    name: "approval",
    validator: v.object({ approved: v.boolean() }),
  });
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const { approved } = await step.awaitEvent({ ...approval, timeout: 1000 });
    const again = await step.awaitEvent(approval);
    return [approved, again.approved];
  });
  const before = await everyRow(t);
  await expect(
    send(t, { ...approval, workflowId, value: { approved: "perhaps" } }),
  ).rejects.toThrow(/event "approval"/);
  expect(await everyRow(t)).toEqual(before);
  await send(t, { ...approval, workflowId, value: { approved: true } });
  await send(t, { ...approval, workflowId, value: { approved: false } });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([true, false]));
  const names = (await rows(t, "events")).map(({ name }) => name);
  expect(names).toEqual(["approval", "approval"]);
});

test("changes that the handler makes to an event's value aren't recorded", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const list = await step.awaitEvent({
      name: "go",
      validator: v.array(v.number()),
    });
    list.push(9);
    await step.sleep(1);
    return list;
  });
  await send(t, { workflowId, name: "go", value: [1] });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([1, 9]));
});
