import { v } from "convex/values";
import { expect, test } from "vitest";
import {
  inComponent,
  journal,
  newBackend,
  runHandler,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import {
  areEvents,
  eventStates,
  expectStory,
  passes,
  rests,
  sends,
  waits,
  type Act,
  type Story,
} from "../../testing/events.js";
import { TimeoutError, type WorkflowCtx } from "../../client/index.js";

useBackend();

const go = { name: "go", validator: v.string() };

/** Awaits "go" with a timeout, and describes the outcome. */
const within = (step: WorkflowCtx, timeout?: number) =>
  outcome(step.awaitEvent({ ...go, timeout }));

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => `got ${value as string}`,
    (error: Error) => error.name,
  );

/** Returns the component's pending timers. */
async function timers(t: Backend) {
  const scheduled = await inComponent(t, (ctx) =>
    ctx.db.system.query("_scheduled_functions").collect(),
  );
  return scheduled.filter(
    ({ name, state }) => name.includes("timer") && state.kind === "pending",
  );
}

const areTimers =
  (count: number): Act =>
  async ({ t }) =>
    expect(await timers(t)).toHaveLength(count);

test("a wait that times out rejects on every replay with a TimeoutError that has the step's name and the timeout", async () => {
  const t = newBackend();
  const start = Date.now();
  const { status, workflowId } = await runHandler(t, async (step) => {
    const seen: unknown[] = [];
    try {
      await step.awaitEvent({ ...go, timeout: 5000 });
    } catch (error) {
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toBeInstanceOf(Error);
      const { name, stepName, ms, message } = error as TimeoutError;
      seen.push(name, stepName, ms, message);
      const value = message;
      expect(await step.runMutation(steps.echo, { value })).toBe(message);
    }
    await step.sleep(1000);
    return seen;
  });
  const message = expect.stringMatching(/"go".* 5000 ms/) as string;
  expect(status).toEqual(completed(["TimeoutError", "go", 5000, message]));
  const [awaited] = await journal(t, workflowId);
  expect(awaited?.step.completedAt).toBe(start + 5000);
  const uncaught = await runHandler(t, (step) =>
    step.awaitEvent({ ...go, timeout: 5000 }),
  );
  expect(uncaught.status).toEqual(failed(message));
});

test("the transaction that times a wait out also withdraws it, and a later event is kept for the next wait", async () => {
  const withdrawnWith = new Set<string>();
  const looks: Act = async ({ t, workflowId }) => {
    const [row] = await journal(t, workflowId);
    const seen = [row?.step.inProgress, await eventStates(t)];
    withdrawnWith.add(JSON.stringify(seen));
  };
  await expectStory({
    handler: async (step) => {
      const first = await within(step, 1000);
      await step.sleep(60_000);
      return [first, await step.awaitEvent(go)];
    },
    acts: [
      ...Array.from({ length: 8 }, () => [looks, passes(250)]).flat(),
      sends("go", "late"),
      areEvents("go sent"),
    ],
    result: ["TimeoutError", "late"],
  });
  // Neither was ever visible without the other.
  expect([...withdrawnWith]).toEqual(['[true,["go waiting"]]', "[false,[]]"]);
});

const inTime: Story["acts"] = [sends("go", "in time"), areTimers(0)];

test.each<[string, Story]>([
  [
    "a wait for an id that timed out leaves the event as it was created, to be sent and awaited",
    {
      created: ["go"],
      handler: async (step, id) => {
        const first = await outcome(step.awaitEvent({ id, timeout: 1000 }));
        await step.sleep(1000);
        return [first, await step.awaitEvent({ id, validator: v.string() })];
      },
      acts: [passes(1500), areEvents("go created"), sends(0, "late")],
      result: ["TimeoutError", "late"],
    },
  ],
  [
    "an event that comes in time cancels the timer",
    {
      handler: async (step) => {
        const got = await within(step, 60_000);
        await step.sleep(1000);
        return got;
      },
      acts: [areTimers(1), ...inTime],
      result: "got in time",
    },
  ],
  [
    "an event that comes at the last millisecond is taken",
    {
      handler: (step) => within(step, 1000),
      acts: [passes(999), ...inTime],
      result: "got in time",
    },
  ],
  [
    "an event that comes before it is awaited starts no timer",
    {
      created: [],
      handler: async (step) => [await within(step, 60_000), await within(step)],
      acts: [
        sends("go", "early"),
        passes(900),
        areEvents("go consumed", "go waiting"),
        areTimers(0),
        sends("go", "later"),
      ],
      result: ["got early", "got later"],
    },
  ],
  [
    "a timeout of 0 consumes an event that was sent already, and never waits",
    {
      created: [],
      handler: async (step) => [await within(step, 0), await within(step, 0)],
      acts: [sends("go", "early")],
      result: ["got early", "TimeoutError"],
    },
  ],
  [
    "if an event wait loses a race, it stays queued and consumes the next event",
    {
      handler: async (step) => {
        const first = await Promise.race([
          step.awaitEvent(go),
          step.sleep(1000).then(() => "too late"),
        ]);
        await step.sleep(10_000);
        return [first, await step.awaitEvent(go)];
      },
      acts: [
        passes(2000),
        areEvents("go waiting"),
        sends("go", "to the loser"),
        rests,
        waits,
        sends("go", "to the next"),
      ],
      result: ["too late", "to the next"],
    },
  ],
])("%s", async (_title, story) => {
  await expectStory(story);
});
