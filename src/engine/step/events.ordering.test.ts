import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  advance,
  components,
  drain,
  journal,
  newBackend,
  runHandler,
  script,
  settle,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import {
  create,
  eventStates,
  send,
  startWithEvents,
} from "../../testing/events.js";
import { sendEvent, type WorkflowCtx } from "../../client/index.js";

// Several events of one name, several steps that await it: who gets which.

useBackend();

const go = { name: "go", validator: v.number() };

const three = (step: WorkflowCtx) =>
  Promise.all([step.awaitEvent(go), step.awaitEvent(go), step.awaitEvent(go)]);

test("events of one name are consumed oldest first", async () => {
  const t = newBackend();
  const workflowId = await startHandler(
    t,
    async (step) => [
      await step.awaitEvent(go),
      await step.awaitEvent(go),
      await step.awaitEvent(go),
    ],
    { startAsync: true },
  );
  for (const value of [0, 1, 2])
    await send(t, { workflowId, name: "go", value });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([0, 1, 2]));
});

test("if events are created and then sent in another order, the one created first is consumed first", async () => {
  const t = newBackend();
  const workflowId = await startHandler(
    t,
    async (step) => [await step.awaitEvent(go), await step.awaitEvent(go)],
    { startAsync: true },
  );
  const first = await create(t, workflowId, "go");
  const second = await create(t, workflowId, "go");
  await send(t, { id: second, value: 2 });
  await send(t, { id: first, value: 1 });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([1, 2]));
});

test("an event that was sent is consumed before one that was only created", async () => {
  const t = newBackend();
  const workflowId = await startHandler(t, (step) => step.awaitEvent(go), {
    startAsync: true,
  });
  await create(t, workflowId, "go");
  const sent = await create(t, workflowId, "go");
  await send(t, { id: sent, value: 2 });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(2));
  expect(await eventStates(t)).toEqual(["go created", "go consumed"]);
});

test("waiting steps consume events in the order in which they were issued, one each", async () => {
  const t = newBackend();
  const served: number[] = [];
  const workflowId = await startHandler(t, async (step) => {
    const serve = async (place: number) => {
      const value = await step.awaitEvent(go);
      served.push(place);
      return value;
    };
    return await Promise.all([serve(0), serve(1), serve(2)]);
  });
  for (const value of [10, 11, 12]) {
    await send(t, { workflowId, name: "go", value });
    served.length = 0;
    await drain();
  }
  expect(served).toEqual([0, 1, 2]);
  expect(await statusOf(t, workflowId)).toEqual(completed([10, 11, 12]));
});

describe("three steps that await one name in one Promise.all each get an event, in order", () => {
  // Every number of events that are there before the first turn, and every way to let the run go
  // on, or not, after each of the others.
  for (const before of [0, 1, 2, 3])
    for (let pauses = 0; pauses < 2 ** (3 - before); pauses++)
      test(`with ${before} sent before, pauses ${pauses.toString(2)}`, async () => {
        const t = newBackend();
        const workflowId = await startHandler(t, three, { startAsync: true });
        for (let value = 0; value < before; value++)
          await send(t, { workflowId, name: "go", value });
        await drain();
        for (let value = before; value < 3; value++) {
          await send(t, { workflowId, name: "go", value });
          if (pauses & (1 << (value - before))) await drain();
        }
        await drain();
        expect(await statusOf(t, workflowId)).toEqual(completed([0, 1, 2]));
        expect(await eventStates(t)).toEqual(Array(3).fill("go consumed"));
      });
});

test("events sent by concurrent actions each go to a step of their own: none is consumed twice", async () => {
  const t = newBackend();
  script("action", "send", async (ctx, { workflowId, value }) => {
    await sendEvent(ctx, components.workflow, { workflowId, ...go, value });
  });
  const values = [0, 1, 2, 3, 4, 5, 6, 7];
  const { status } = await runHandler(t, async (step) => {
    const { workflowId } = step;
    const [awaited] = await Promise.all([
      Promise.all(values.map(() => step.awaitEvent(go))),
      ...values.map((value) =>
        step.runAction(steps.action, {
          name: "send",
          input: { workflowId, value },
        }),
      ),
    ]);
    return awaited;
  });
  expect(status.type).toBe("completed");
  const { result } = status as { result: number[] };
  expect([...result].sort()).toEqual(values);
});

test("a step that awaits an id is queued under the event's name", async () => {
  const t = newBackend();
  const { workflowId } = await startWithEvents(t, ["go"], (step, id) =>
    Promise.all([
      step.awaitEvent({ id, validator: v.number() }),
      step.awaitEvent(go),
    ]),
  );
  await drain();
  await send(t, { workflowId, name: "go", value: 1 });
  await send(t, { workflowId, name: "go", value: 2 });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([1, 2]));
});

test("waiting steps are served in the order in which they were issued, even if a later one holds an older event", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(
    t,
    ["go", "go"],
    (step, _older, id) =>
      Promise.all([
        step.awaitEvent({ id, validator: v.number() }),
        step.awaitEvent(go),
      ]),
  );
  const [older, id] = ids;
  await drain();
  expect(await send(t, { workflowId, name: "go", value: 1 })).toBe(id);
  expect(await send(t, { workflowId, name: "go", value: 2 })).toBe(older);
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([1, 2]));
});

/** Numbers that look random, the same for the same seed. */
function randomFrom(seed: number) {
  let state = seed * 2654435761;
  return (below: number) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 12)) >>> 0) % below;
  };
}

interface Await {
  name: string;
  timeout?: number;
}

/** Branches that await, one after another; and what is sent, with the time between. */
function randomProgram(seed: number) {
  const random = randomFrom(seed);
  const some = <T>(most: number, make: () => T) =>
    Array.from({ length: 1 + random(most) }, make);
  const name = () => (random(3) === 0 ? "stop" : "go");
  const branches = some(4, () =>
    some(4, (): Await => ({
      name: name(),
      ...(random(3) === 0 ? { timeout: random(4) * 50 } : {}),
    })),
  );
  const sent = some(12, () => ({ name: name(), pause: random(4) * 40 }));
  return { branches, sent, startAsync: random(2) === 0 };
}

describe("whatever the interleaving of branches, events and timeouts: the nth step that got an event of a name got the nth sent", () => {
  const awaitNext = async (step: WorkflowCtx, wait: Await) => {
    try {
      return await step.awaitEvent({ ...wait, validator: v.number() });
    } catch (error) {
      return (error as Error).name;
    }
  };

  const hazards = { timedOut: 0, kept: 0, waitedFor: 0, inLine: 0 };

  const count = (awaited: Awaited<ReturnType<typeof journal>>) => {
    for (const { step } of awaited) {
      if (step.runResult?.kind !== "success") hazards.timedOut++;
      else if (step.completedAt === step.startedAt) hazards.kept++;
      else hazards.waitedFor++;
      const waitsMeanwhile = awaited.some(
        (other) =>
          other.step !== step &&
          other.step.name === step.name &&
          other.step.startedAt <= step.startedAt &&
          other.step.completedAt! > step.completedAt!,
      );
      if (waitsMeanwhile) hazards.inLine++;
    }
  };

  for (let seed = 1; seed <= 60; seed++)
    test(`seed ${seed}`, async () => {
      const t = newBackend();
      const { branches, sent, startAsync } = randomProgram(seed);
      const workflowId = await startHandler(
        t,
        (step) =>
          Promise.all(
            branches.map(async (waits) => {
              const got = [];
              for (const wait of waits) got.push(await awaitNext(step, wait));
              return got;
            }),
          ),
        { startAsync },
      );
      const counts: Record<string, number> = { go: 0, stop: 0 };
      const sendNext = async (name: string) => {
        await send(t, { workflowId, name, value: counts[name]!++ });
      };
      for (const { name, pause } of sent) {
        if ((await statusOf(t, workflowId)).type !== "inProgress") break;
        await sendNext(name);
        if (pause > 0) await advance(pause);
        else await settle();
      }
      await drain();
      // Whatever is still waited for comes now.
      for (;;) {
        const status = await statusOf(t, workflowId);
        if (status.type !== "inProgress") break;
        expect(status.running).not.toEqual([]);
        await sendNext(status.running[0]!.name);
        await drain();
      }

      const awaited = await journal(t, workflowId);
      count(awaited);
      for (const of of ["go", "stop"]) {
        const taken = awaited.flatMap(({ step }) =>
          step.name === of && step.runResult?.kind === "success"
            ? [step.runResult.returnValue as number]
            : [],
        );
        expect(taken).toEqual(taken.map((_, place) => place));
      }
      // The handler saw what the journal holds.
      const status = await statusOf(t, workflowId);
      const { result } = status as { result: unknown[][] };
      expect(result.map((got) => got.length)).toEqual(
        branches.map((waits) => waits.length),
      );
      const recorded = awaited.map(({ step }) =>
        step.runResult?.kind === "success"
          ? `${step.name} ${step.runResult.returnValue}`
          : "TimeoutError",
      );
      const seen = result.flatMap((got, branch) =>
        got.map((value, place) =>
          typeof value === "number"
            ? `${branches[branch]![place]!.name} ${value}`
            : value,
        ),
      );
      expect([...seen].sort()).toEqual([...recorded].sort());
    });

  test("every hazard was met", () => {
    for (const times of Object.values(hazards))
      expect(times).toBeGreaterThan(5);
  });
});
