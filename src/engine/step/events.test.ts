import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  advance,
  drain,
  journal,
  newBackend,
  rows,
  settle,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import {
  areEvents,
  expectStory,
  passes,
  rests,
  send,
  sends,
  startWithEvents,
  waits,
  type Story,
  type StoryRun,
} from "../../testing/events.js";
import { Random } from "../../testing/random/random.js";
import { type EventId, type WorkflowCtx } from "../../client/index.js";

// The states of events, and which step consumes which event.

useBackend();

const go = { name: "go", validator: v.string() };

const byName = (step: WorkflowCtx) => step.awaitEvent(go);
const byId = (step: WorkflowCtx, id: EventId) =>
  step.awaitEvent({ id, validator: v.string() });

describe.each([
  { how: "awaited and sent by name", awaits: byName, event: "go", created: [] },
  {
    how: "created, then awaited and sent by name",
    awaits: byName,
    event: "go",
    created: ["go"],
  },
  {
    how: "created, awaited by name and sent by id",
    awaits: byName,
    event: 0,
    created: ["go"],
  },
  {
    how: "created, awaited by id and sent by name",
    awaits: byId,
    event: "go",
    created: ["go"],
  },
  {
    how: "created, then awaited and sent by id",
    awaits: byId,
    event: 0,
    created: ["go"],
  },
])("an event that is $how", ({ awaits, event, created }) => {
  const is = (state: string) => areEvents(`go ${state}`);
  const atFirst = areEvents(...created.map(() => "go created"));

  test("is consumed when it is sent if it is awaited first", async () => {
    await expectStory({
      created,
      handler: awaits,
      acts: [
        atFirst,
        rests,
        waits,
        is("waiting"),
        sends(event, "it"),
        is("consumed"),
      ],
      result: "it",
    });
  });

  test("is kept until it is awaited if it is sent first", async () => {
    await expectStory({
      created,
      handler: async (step, id) => {
        await step.sleep(60_000);
        return await awaits(step, id);
      },
      acts: [
        passes(1000),
        sends(event, "it"),
        passes(30_000),
        is("sent"),
        rests,
        is("consumed"),
      ],
      result: "it",
    });
  });
});

/** Describes the outcome of a wait. */
const outcome = (wait: Promise<unknown>) =>
  wait.then(
    (value) => `got ${value as string}`,
    (error: Error) => error.message,
  );

/** The error of a second wait for the first event's id. */
const refusal = (state: string, { ids, workflowId }: StoryRun) =>
  expect.stringMatching(
    new RegExp(`^Event already ${state}: ${ids[0]} .*"go".*${workflowId}`),
  ) as string;

const ordered: [string, Story][] = [
  [
    "events that are sent in another order than they were created in are consumed as created",
    {
      created: ["go", "go"],
      handler: async (step) => [await byName(step), await byName(step)],
      acts: [sends(1, "second"), sends(0, "first")],
      result: ["first", "second"],
    },
  ],
  [
    "an event that was sent is consumed before one that was only created",
    {
      created: ["go", "go"],
      handler: byName,
      acts: [sends(1, "it"), rests, areEvents("go created", "go consumed")],
      result: "it",
    },
  ],
  [
    "an event sent by name goes to the step that waits, not to an event that was only created",
    {
      created: ["go", "go"],
      handler: byName,
      acts: [rests, sends("go", "it"), areEvents("go consumed", "go created")],
      result: "it",
    },
  ],
  [
    "waiting steps are served in the order in which they were issued, even if a later one holds an older event",
    {
      created: ["go", "go"],
      handler: (step, _older, id) =>
        Promise.all([byId(step, id), byName(step)]),
      acts: [
        rests,
        sends("go", "1"),
        areEvents("go waiting", "go consumed"),
        sends("go", "2"),
      ],
      result: ["1", "2"],
    },
  ],
  [
    "a wait for an id is resumed by that event only, not by others of its name",
    {
      created: ["go", "go"],
      handler: (step, _other, id) => byId(step, id),
      acts: [
        sends(0, "other"),
        rests,
        areEvents("go sent", "go waiting"),
        waits,
        sends(1, "mine"),
        rests,
        areEvents("go sent", "go consumed"),
      ],
      result: "mine",
    },
  ],
];

const both = (step: WorkflowCtx, id: EventId) =>
  Promise.all([outcome(byId(step, id)), outcome(byId(step, id))]);

const twice: [string, Omit<Story, "created">][] = [
  [
    "by id at once, the second is refused as already waiting, and the first still gets the value",
    {
      handler: both,
      acts: [rests, areEvents("go waiting"), sends(0, "it")],
      result: (run: StoryRun) => ["got it", refusal("waiting", run)],
    },
  ],
  [
    "by id at once after it was sent, the second is refused as already consumed",
    {
      handler: both,
      acts: [sends(0, "it")],
      result: (run: StoryRun) => ["got it", refusal("consumed", run)],
    },
  ],
  [
    "in a later turn while the first waits, the second is refused as already waiting, on every replay",
    {
      handler: async (step, id) => {
        const first = byId(step, id);
        await step.sleep(1000);
        const second = await outcome(byId(step, id));
        await step.sleep(1000);
        const value = await first;
        await step.runMutation(steps.echo, { value });
        return [value, second];
      },
      acts: [rests, sends(0, "it")],
      result: (run: StoryRun) => ["it", refusal("waiting", run)],
    },
  ],
  [
    "by id and then by name, the wait by name gets the next event",
    {
      handler: async (step, id) => [await byId(step, id), await byName(step)],
      acts: [sends(0, "it"), rests, waits, sends("go", "another")],
      result: ["it", "another"],
    },
  ],
  [
    "by name and then by id, the second is refused as already consumed",
    {
      handler: async (step, id) => [
        await byName(step),
        await outcome(byId(step, id)),
      ],
      acts: [sends(0, "it")],
      result: (run: StoryRun) => ["it", refusal("consumed", run)],
    },
  ],
  [
    "and the first wait timed out, the second gets the event",
    {
      handler: async (step, id) => [
        await outcome(step.awaitEvent({ id: id, timeout: 1000 })),
        await byId(step, id),
      ],
      acts: [passes(5000), areEvents("go waiting"), sends(0, "it")],
      result: [expect.stringMatching(/^Timed out/), "it"],
    },
  ],
];

test.each([
  ...ordered,
  ...twice.map(([when, story]): [string, Story] => [
    `if an event is awaited twice, ${when}`,
    { created: ["go"], ...story },
  ]),
])("%s", async (_title, story) => {
  await expectStory(story);
});

test("a refused wait is a failed step and fails the run unless the handler catches it", async () => {
  const t = newBackend();
  const { workflowId, ids } = await startWithEvents(t, ["go"], (step, id) =>
    Promise.all([byId(step, id), byId(step, id)]),
  );
  await drain();
  const error = refusal("waiting", { t, workflowId, ids });
  expect(await statusOf(t, workflowId)).toEqual(failed(error));
  const [, second] = await journal(t, workflowId);
  expect(second?.step).toMatchObject({
    kind: "event",
    inProgress: false,
    runResult: { kind: "failed", error },
  });
});

test("an event doesn't resume another run that awaits the same name", async () => {
  const t = newBackend();
  const first = await startHandler(t, byName);
  const second = await startHandler(t, byName);
  await send(t, { workflowId: second, name: "go", value: "second's" });
  await drain();
  expect((await statusOf(t, first)).type).toBe("inProgress");
  expect(await statusOf(t, second)).toEqual(completed("second's"));
});

test("an event's row has the times of its wait, send and consumption, and its step", async () => {
  const t = newBackend();
  const start = Date.now();
  const workflowId = await startHandler(t, async (step) => {
    await step.awaitEvent({ name: "awaited first" });
    await step.sleep(1000);
    await step.awaitEvent({ name: "sent first" });
  });
  await advance(300);
  await send(t, { workflowId, name: "awaited first" });
  await send(t, { workflowId, name: "sent first" });
  await drain();
  const [first, , second] = await journal(t, workflowId);
  const sentAt = start + 300;
  const times = [
    { waitingAt: start, consumedAt: sentAt, stepId: first?._id },
    {
      waitingAt: second?.step.startedAt,
      consumedAt: second?.step.completedAt,
      stepId: second?._id,
    },
  ];
  expect((await rows(t, "events")).map(({ state }) => state)).toEqual(
    times.map((each) => ({ kind: "consumed", sentAt, ...each })),
  );
  expect(second?.step.startedAt).toBeGreaterThanOrEqual(start + 1300);
});

interface Await {
  name: string;
  timeout?: number;
}

/** Branches that await one event after another, and the events to send with the times between them. */
function randomProgram(seed: number) {
  const random = new Random(seed);
  const some = <T>(most: number, make: () => T) =>
    Array.from({ length: random.between(1, most) }, make);
  const name = () => (random.chance(1 / 3) ? "stop" : "go");
  const timeout = () =>
    random.chance(1 / 3) ? { timeout: random.below(4) * 50 } : {};
  const branches = some(4, () =>
    some(4, (): Await => ({ name: name(), ...timeout() })),
  );
  const sent = some(12, () => ({ name: name(), pause: random.below(4) * 40 }));
  return { branches, sent, startAsync: random.chance(0.5) };
}

describe("for any interleaving of branches, events and timeouts, events with a name are consumed in the order sent", () => {
  const awaitNext = (step: WorkflowCtx, wait: Await) =>
    step.awaitEvent({ ...wait, validator: v.number() }).then(
      (value) => `${wait.name} ${value}`,
      (error: Error) => `${wait.name} ${error.name}`,
    );

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
            branches.map(async (branch) => {
              const got = [];
              for (const wait of branch) got.push(await awaitNext(step, wait));
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
      // Send every event that is still awaited.
      let status = await statusOf(t, workflowId);
      while (status.type === "inProgress") {
        expect(status.running).not.toEqual([]);
        await sendNext(status.running[0]!.name);
        await drain();
        status = await statusOf(t, workflowId);
      }

      const awaited = await journal(t, workflowId);
      count(awaited);
      const recorded = awaited.map(({ step: { name, runResult } }) =>
        runResult?.kind === "success"
          ? `${name} ${runResult.returnValue}`
          : `${name} TimeoutError`,
      );
      for (const name of ["go", "stop"]) {
        const isTaken = new RegExp(`^${name} \\d`);
        const taken = recorded.filter((got) => isTaken.test(got));
        expect(taken).toEqual(taken.map((_, place) => `${name} ${place}`));
      }
      // The handler saw the results in the journal.
      const { result } = status as { result: string[][] };
      const asked = branches.map((branch) => branch.map(({ name }) => name));
      const nameOf = (got: string) => got.split(" ")[0];
      expect(result.map((branch) => branch.map(nameOf))).toEqual(asked);
      expect(result.flat().sort()).toEqual(recorded.sort());
    });

  test("every hazard occurred", () => {
    for (const times of Object.values(hazards))
      expect(times).toBeGreaterThan(5);
  });
});
