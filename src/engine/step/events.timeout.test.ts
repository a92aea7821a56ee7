import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  advance,
  components,
  drain,
  inComponent,
  journal,
  newBackend,
  rows,
  runHandler,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import {
  cancelRun,
  eventStates,
  send,
  startWithEvents,
} from "../../testing/events.js";
import { restart, TimeoutError, type WorkflowCtx } from "../../client/index.js";

useBackend();

const go = { name: "go", validator: v.string() };

/** What the handler got, as text. */
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `got ${value as string}`,
    (error: Error) => error.name,
  );

/** Timers of the component that are still to fire. */
async function timers(t: Backend) {
  const scheduled = await inComponent(t, (ctx) =>
    ctx.db.system.query("_scheduled_functions").collect(),
  );
  return scheduled.filter(
    ({ name, state }) => name.includes("timer") && state.kind === "pending",
  );
}

test("an event that doesn't come in time rejects with a TimeoutError of the step's name and the time", async () => {
  const t = newBackend();
  const start = Date.now();
  const { status, workflowId } = await runHandler(t, async (step) => {
    try {
      return await step.awaitEvent({ ...go, timeout: 5000 });
    } catch (error) {
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toBeInstanceOf(Error);
      const { name, stepName, ms, message } = error as TimeoutError;
      await step.runMutation(steps.echo, { value: message });
      return { name, stepName, ms, message };
    }
  });
  expect(status).toEqual(
    completed({
      name: "TimeoutError",
      stepName: "go",
      ms: 5000,
      message: expect.stringMatching(/"go".* 5000 ms/) as string,
    }),
  );
  const [awaited] = await journal(t, workflowId);
  expect(awaited?.step.completedAt).toBe(start + 5000);
});

test("an uncaught timeout fails the run with an error that names event and time", async () => {
  const t = newBackend();
  const { status } = await runHandler(t, (step) =>
    step.awaitEvent({ ...go, timeout: 5000 }),
  );
  expect(status).toEqual(
    failed(expect.stringMatching(/"go".* 5000 ms/) as string),
  );
});

test("the wait is withdrawn in the transaction that times it out: a later event is kept for the next", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const first = await outcome(step.awaitEvent({ ...go, timeout: 1000 }));
    await step.sleep(60_000);
    return [first, await step.awaitEvent(go)];
  });
  const withdrawnWith: unknown[] = [];
  for (let ms = 0; ms <= 2000; ms += 250) {
    const [step] = await journal(t, workflowId);
    withdrawnWith.push([step?.step.inProgress, await eventStates(t)]);
    await advance(250);
  }
  // At no time was one there without the other.
  expect(new Set(withdrawnWith.map((seen) => JSON.stringify(seen)))).toEqual(
    new Set(['[true,["go waiting"]]', "[false,[]]"]),
  );
  await send(t, { workflowId, name: "go", value: "late" });
  expect(await eventStates(t)).toEqual(["go sent"]);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["TimeoutError", "late"]),
  );
});

test("an event sent as soon as the wait has timed out, before the run's next turn, is kept for the next", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => [
    await outcome(step.awaitEvent({ ...go, timeout: 1000 })),
    await step.awaitEvent(go),
  ]);
  await advance(1000);
  const [timedOut, ...later] = await journal(t, workflowId);
  expect(timedOut?.step.inProgress).toBe(false);
  expect(later).toEqual([]);
  await send(t, { workflowId, name: "go", value: "late" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["TimeoutError", "late"]),
  );
});

test("a wait for an id that timed out leaves the event as it was created, to be sent and awaited", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(
    t,
    ["go"],
    async (step, id) => {
      const first = await outcome(step.awaitEvent({ id, timeout: 1000 }));
      await step.sleep(1000);
      return [first, await step.awaitEvent({ id, validator: v.string() })];
    },
  );
  const [id] = ids;
  await advance(1500);
  expect(await eventStates(t)).toEqual(["go created"]);
  await send(t, { id, value: "late" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["TimeoutError", "late"]),
  );
});

test("if one of several waits times out, it leaves the queue and the others keep their order", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    Promise.all([
      outcome(step.awaitEvent({ ...go, timeout: 3000 })),
      outcome(step.awaitEvent({ ...go, timeout: 1000 })),
      outcome(step.awaitEvent(go)),
    ]),
  );
  await advance(2000);
  expect(await eventStates(t)).toEqual(["go waiting", "go waiting"]);
  await send(t, { workflowId, name: "go", value: "1" });
  await send(t, { workflowId, name: "go", value: "2" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["got 1", "TimeoutError", "got 2"]),
  );
});

describe("an event that comes in time", () => {
  test("cancels the timer", async () => {
    const t = newBackend();
    const workflowId = await startHandler(t, async (step) => {
      const got = await outcome(step.awaitEvent({ ...go, timeout: 60_000 }));
      await step.sleep(1000);
      return got;
    });
    expect(await timers(t)).toHaveLength(1);
    await send(t, { workflowId, name: "go", value: "in time" });
    expect(await timers(t)).toHaveLength(0);
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed("got in time"));
  });

  test("at the last millisecond is taken", async () => {
    const t = newBackend();
    const workflowId = await startHandler(t, (step) =>
      outcome(step.awaitEvent({ ...go, timeout: 1000 })),
    );
    await advance(999);
    await send(t, { workflowId, name: "go", value: "in time" });
    await drain();
    expect(await statusOf(t, workflowId)).toMatchObject({
      result: "got in time",
    });
  });

  test("before it is awaited starts no timer", async () => {
    const t = newBackend();
    const workflowId = await startHandler(
      t,
      async (step) => [
        await outcome(step.awaitEvent({ ...go, timeout: 60_000 })),
        await outcome(step.awaitEvent(go)),
      ],
      { startAsync: true },
    );
    await send(t, { workflowId, name: "go", value: "early" });
    await advance(900);
    expect(await eventStates(t)).toEqual(["go consumed", "go waiting"]);
    expect(await timers(t)).toEqual([]);
  });
});

test("a timer that fires after its event was consumed changes nothing", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const got = await outcome(step.awaitEvent({ ...go, timeout: 1000 }));
    await step.sleep(60_000);
    return got;
  });
  const [timer] = await timers(t);
  await send(t, { workflowId, name: "go", value: "in time" });
  await advance(1);
  const before = await rows(t, "steps");
  await inComponent(t, async (ctx) => {
    await ctx.scheduler.runAfter(
      0,
      timer!.name as never,
      timer!.args[0] as never,
    );
  });
  await advance(10);
  expect(await rows(t, "steps")).toEqual(before);
  await drain();
  expect(await statusOf(t, workflowId)).toMatchObject({
    result: "got in time",
  });
});

test("a timeout of 0 consumes an event that was sent already, and never waits", async () => {
  const t = newBackend();
  const workflowId = await startHandler(
    t,
    async (step) => [
      await outcome(step.awaitEvent({ ...go, timeout: 0 })),
      await outcome(step.awaitEvent({ ...go, timeout: 0 })),
    ],
    { startAsync: true },
  );
  await send(t, { workflowId, name: "go", value: "early" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["got early", "TimeoutError"]),
  );
});

test("an invalid timeout rejects, can be caught, and records nothing", async () => {
  const t = newBackend();
  const { status, workflowId } = await runHandler(t, async (step) => {
    const messages: string[] = [];
    for (const timeout of [-1, NaN, Infinity])
      await step
        .awaitEvent({ ...go, timeout })
        .catch((error: Error) => messages.push(error.message));
    return messages;
  });
  expect(status).toEqual(
    completed(
      ["-1", "NaN", "Infinity"].map(
        (timeout) =>
          expect.stringMatching(
            new RegExp(`^Invalid timeout of event "go": ${timeout}`),
          ) as string,
      ),
    ),
  );
  expect(await journal(t, workflowId)).toEqual([]);
});

test("a timeout is replayed as a TimeoutError with its name and time, turn after turn", async () => {
  const t = newBackend();
  const seen: unknown[] = [];
  await runHandler(t, async (step) => {
    const error = await step
      .awaitEvent({ ...go, timeout: 1000 })
      .catch((thrown: unknown) => thrown);
    seen.push(
      error instanceof TimeoutError && [
        error.stepName,
        error.ms,
        error.message,
      ],
    );
    for (let n = 0; n < 3; n++) await step.sleep(1000);
  });
  expect(seen.length).toBeGreaterThanOrEqual(4);
  expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
  expect(seen[0]).toMatchObject(["go", 1000, expect.any(String)]);
});

describe("the timer of a wait that is dropped", () => {
  const raced = (step: WorkflowCtx) =>
    Promise.race([
      outcome(step.awaitEvent({ ...go, timeout: 60_000 })),
      step.sleep(1000),
    ]);

  test("by the run's end goes with it, and so does the wait", async () => {
    const t = newBackend();
    await startHandler(t, raced);
    await advance(1500);
    expect(await timers(t)).toEqual([]);
    expect(await eventStates(t)).toEqual(["go created"]);
  });

  test("by cancellation goes with it, and so does the wait", async () => {
    const t = newBackend();
    const workflowId = await startHandler(t, raced);
    await cancelRun(t, workflowId);
    expect(await timers(t)).toEqual([]);
    expect(await eventStates(t)).toEqual(["go created"]);
  });

  test("by cancellation starts anew with a restart", async () => {
    const t = newBackend();
    const workflowId = await startHandler(t, (step) =>
      outcome(step.awaitEvent({ ...go, timeout: 60_000 })),
    );
    await advance(50_000);
    await cancelRun(t, workflowId);
    await t.mutation((ctx) => restart(ctx, components.workflow, workflowId));
    await advance(50_000);
    expect(await eventStates(t)).toEqual(["go waiting"]);
    await advance(11_000);
    expect(await statusOf(t, workflowId)).toMatchObject({
      result: "TimeoutError",
    });
  });
});

test("if an event wait loses a race, it stays queued and consumes the next event", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const first = await Promise.race([
      step.awaitEvent(go),
      step.sleep(1000).then(() => "too late"),
    ]);
    await step.sleep(10_000);
    return [first, await step.awaitEvent(go)];
  });
  await advance(2000);
  expect(await eventStates(t)).toEqual(["go waiting"]);
  await send(t, { workflowId, name: "go", value: "to the loser" });
  await drain();
  expect((await statusOf(t, workflowId)).type).toBe("inProgress");
  await send(t, { workflowId, name: "go", value: "to the next" });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(
    completed(["too late", "to the next"]),
  );
});
