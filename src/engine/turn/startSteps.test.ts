import type { FunctionArgs } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  cancel,
  insertRun,
  insertSteps,
  jobs,
  listenToConsole,
} from "../../testing/managing.js";
import { create as createEvent, send } from "../../testing/events.js";
import {
  advance,
  components,
  effects,
  inComponent,
  journal,
  newBackend,
  script,
  startHandler,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import {
  HANDLE,
  createRun,
  expectUnchanged,
  handleOf,
} from "../../testing/doors.js";

// The component's functions called as other packages and scripts do, not through this package's
// client.

useBackend();
const heard = listenToConsole();

const { journal: api } = components.workflow;
type StartSteps = FunctionArgs<typeof api.startSteps>;
const startSteps = (t: Backend, args: StartSteps) =>
  t.mutation((ctx) => ctx.runMutation(api.startSteps, args));

/** A step as a client of 0.4 passes it: without a place in the journal, wakes or deliveries. */
const step = (fields: object) =>
  ({
    inProgress: true,
    argsSize: 0,
    args: {},
    startedAt: 1,
    ...fields,
  }) as StartSteps["steps"][number]["step"];

async function oneOfEachKind(t: Backend, eventId: string) {
  const mutation = await handleOf(t, steps.echo);
  const query = await handleOf(t, steps.echoQuery);
  const action = await handleOf(t, steps.echoAction);
  const kind = "function";
  return [
    {
      kind,
      functionType: "mutation",
      name: "m",
      handle: mutation,
      args: { value: "m" },
    },
    {
      kind,
      functionType: "query",
      name: "q",
      handle: query,
      args: { value: "q" },
    },
    {
      kind,
      functionType: "action",
      name: "a",
      handle: action,
      args: { value: "a" },
    },
    { kind: "workflow", name: "w", handle: HANDLE, args: { handler: "child" } },
    { kind: "event", name: "by name", args: {} },
    { kind: "event", name: "by id", args: { eventId } },
    { kind: "sleep", name: "s", args: {} },
  ].map((fields) => ({ step: step(fields) }));
}

describe("journal.startSteps", () => {
  test("numbers, records and starts steps of every kind, and returns their entries in order", async () => {
    const t = newBackend();
    script("handler", "main", () => new Promise(() => undefined));
    script("handler", "child", async () => "w");
    const id = await createRun(t, { createOnly: true });
    const eventId = await createEvent(t, id, "by id");
    const asked = await oneOfEachKind(t, eventId);
    const entries = await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: asked,
    });
    // Read again only for this: the returned time of creation is a little earlier.
    const recorded = (await journal(t, id)).map((row) => ({
      ...row,
      _creationTime: expect.any(Number) as number,
    }));
    expect(entries).toEqual(recorded);
    expect(
      entries!.map(({ stepNumber, step }) => [stepNumber, step.name]),
    ).toEqual(asked.map(({ step }, at) => [at, step.name]));
    expect(await jobs(t)).toHaveLength(4);
    // The handler, not asked for any of them, must not be replayed here.
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, {
        pendingTurn: { workId: "none" },
      }),
    );
    await send(t, { workflowId: id, name: "by name", value: "n" });
    await send(t, { id: eventId, value: "i" });
    await advance(10_000);
    const results = (await journal(t, id)).map(({ step }) => step.runResult);
    expect(results).toEqual(
      ["m", "q", "a", "w", "n", "i", null].map((returnValue) => ({
        kind: "success",
        returnValue,
      })),
    );
    expect(await effects(t)).toEqual(["m"]);
  });

  test("continues after the recorded steps", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 3 });
    const steps = [{ step: step({ kind: "sleep", name: "s" }) }];
    const args = { workflowId: id, generationNumber: 0, steps };
    const [first] = (await startSteps(t, args))!;
    const [second] = (await startSteps(t, args))!;
    expect([first!.stepNumber, second!.stepNumber]).toEqual([3, 4]);
  });

  test("refuses a place that is not the journal's next, and changes nothing", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 3 });
    for (const stepNumber of [0, 2, 4])
      await expectUnchanged(t, heard, () =>
        expect(
          startSteps(t, {
            workflowId: id,
            generationNumber: 0,
            steps: [{ stepNumber, step: step({ kind: "sleep", name: "s" }) }],
          }),
        ).rejects.toThrow(
          new RegExp(`${id}.* step ${stepNumber} "s".* at step 3`),
        ),
      );
  });

  test("starts steps when they are scheduled for", async () => {
    const t = newBackend();
    script("handler", "main", () => new Promise(() => undefined));
    const id = await createRun(t, { createOnly: true });
    const handle = await handleOf(t, steps.echo);
    const at = (value: string, schedulerOptions: object) => ({
      step: step({
        kind: "function",
        functionType: "mutation",
        name: value,
        handle,
        args: { value },
      }),
      schedulerOptions,
    });
    await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: [
        at("after", { runAfter: 20_000 }),
        at("at", { runAt: Date.now() + 40_000 }),
        at("now", {}),
      ],
    });
    await inComponent(t, (ctx) =>
      ctx.db.patch("workflows", id as never, {
        pendingTurn: { workId: "none" },
      }),
    );
    for (const expected of [
      ["now"],
      ["now", "after"],
      ["now", "after", "at"],
    ]) {
      await advance(15_000);
      expect(await effects(t)).toEqual(expected);
      await advance(5_000);
    }
  });

  test("retries actions as the step says, or as the options do", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const handle = await handleOf(t, steps.echoAction);
    const own = { maxAttempts: 2, initialBackoffMs: 1, base: 3 };
    const byDefault = { maxAttempts: 9, initialBackoffMs: 2, base: 4 };
    const action = (retry?: boolean | typeof own, functionType = "action") => ({
      step: step({ kind: "function", functionType, name: "a", handle }),
      retry,
    });
    const entries = await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: [
        action(own),
        action(true),
        action(false),
        action(),
        action(undefined, "mutation"),
      ],
      workpoolOptions: {
        defaultRetryBehavior: byDefault,
        retryActionsByDefault: true,
      },
    });
    expect(entries!.map(({ retry }) => retry)).toEqual([
      own,
      byDefault,
      undefined,
      byDefault,
      undefined,
    ]);
  });

  test("refuses an event that can't be awaited as a failed step", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const [entry] = (await startSteps(t, {
      workflowId: id,
      generationNumber: 0,
      steps: [
        { step: step({ kind: "event", name: "e", args: { eventId: "none" } }) },
      ],
    }))!;
    expect(entry!.step).toMatchObject({
      inProgress: false,
      runResult: {
        kind: "failed",
        error: expect.stringMatching(/none/) as string,
      },
    });
  });

  test("starts hundreds of steps within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    const handle = await handleOf(t, steps.echo);
    const all = Array.from({ length: 400 }, (_, value) => ({
      step: step({
        kind: "function",
        functionType: "mutation",
        name: "m",
        handle,
        args: { value },
      }),
      schedulerOptions: { runAfter: 1_000_000 },
    }));
    const args = { workflowId: id, generationNumber: 0, steps: all };
    expect(await startSteps(t, args)).toHaveLength(400);
  });

  test("of an earlier generation, or of a run that is gone, starts nothing", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1000));
    await cancel(t, id);
    const handle = await handleOf(t, steps.echo);
    const m = { kind: "function", functionType: "mutation", name: "m", handle };
    const args = {
      workflowId: id,
      generationNumber: 0,
      steps: [{ stepNumber: 0, step: step({ ...m, args: { value: 1 } }) }],
    };
    await expectUnchanged(t, heard, async () =>
      expect(await startSteps(t, args)).toBeNull(),
    );
    await inComponent(t, (ctx) => ctx.db.delete("workflows", id as never));
    await expectUnchanged(t, heard, async () =>
      expect(await startSteps(t, args)).toBeNull(),
    );
    expect(await jobs(t)).toEqual([]);
  });
});
