import { describe, expect, test } from "vitest";
import {
  completed,
  entry,
  failed,
  Machine,
  RUN,
  succeeded,
  written,
  type Handler,
} from "./testing/machine.js";

// For random handlers and orders of results, see src/testing/random/core.test.ts.

describe("R1: step n is the nth step that the handler asks for", () => {
  test("each result leads to the next requests, which are recorded once, and the last to the return value", async () => {
    const machine = new Machine(async (ask) => {
      const pair = await Promise.all([ask("a"), ask("b", { args: { x: 1 } })]);
      return [...pair, await ask("c")];
    });
    machine.time = 7;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    const first = [
      { name: "a", startedAt: 7, args: {} },
      { name: "b", startedAt: 7, args: { x: 1 } },
    ];
    expect(machine.journal).toMatchObject(first);
    expect(machine.records).toHaveLength(1);
    // A turn without new results writes nothing.
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.records).toHaveLength(1);

    machine.time = 8;
    machine.complete("b");
    machine.complete("a");
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.records[1]).toMatchObject({
      steps: [{ stepNumber: 2, request: { name: "c" } }],
      deliveries: [
        { delivery: { order: 0, issued: 2 } },
        { delivery: { order: 1, issued: 2 } },
      ],
    });
    expect(machine.journal).toMatchObject([
      ...first,
      { name: "c", startedAt: 8, args: {} },
    ]);
    machine.complete("c");
    const value = ["a", "b", "c"];
    expect(await machine.turn()).toEqual({ kind: "returned", value });
    expect(written(machine)).toEqual(["a 0@2", "b 1@2", "c 2@3"]);
  });
});

describe("R2: results are delivered one at a time to a blocked handler", () => {
  test("all effects of a result, even many microtasks later, come before the next result", async () => {
    const log: string[] = [];
    const machine = new Machine(
      async (ask) => {
        const branch = async (name: string, hops: number) => {
          await ask(name);
          for (let hop = 0; hop < hops; hop++) await Promise.resolve();
          log.push(name);
          await ask(`after ${name}`);
        };
        await Promise.all([branch("a", 0), branch("b", 100)]);
      },
      [completed("a", 2), completed("b", 1)],
    );
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(log).toEqual(["b", "a"]);
    expect(written(machine)).toEqual(["a 1@3", "b 0@2", "after b", "after a"]);
  });

  const boom = () => [completed("a", 1, failed("boom"))];
  test.each<[string, Handler, object]>([
    [
      "caught",
      (ask) => ask("a").catch((error: Error) => error.message),
      { kind: "returned", value: "boom" },
    ],
    [
      "not caught",
      (ask) => ask("a"),
      { kind: "threw", error: new Error("boom") },
    ],
    [
      "thrown as the handler is called",
      () => {
        throw new Error("at once");
      },
      { kind: "threw", error: new Error("at once") },
    ],
  ])(
    "an error ends the turn as it would end any function: %s",
    async (...row) => {
      const [, handler, end] = row;
      expect(await new Machine(handler, boom()).turn()).toEqual(end);
    },
  );
});

describe("R5: a result's place is recorded with the requests that it led to", () => {
  // For steps that aren't inline, see R1.
  test("an inline step is recorded as completed, with its place", async () => {
    const machine = new Machine((ask) => ask("i", { inline: true }));
    machine.time = 3;
    await machine.turn();
    const delivery = { order: 0, issued: 1 };
    expect(machine.records.map(({ steps }) => steps)).toMatchObject([
      [
        {
          stepNumber: 0,
          completed: { outcome: succeeded("i"), completedAt: 3, delivery },
        },
      ],
    ]);
  });

  test("a turn of a run that was canceled meanwhile records nothing and ends as fenced", async () => {
    for (const journal of [[], [completed("a", 1)]]) {
      const machine = new Machine((ask) => ask("a"), journal);
      machine.fenced = true;
      expect(await machine.turn()).toEqual({ kind: "fenced" });
    }
  });
});

test("a handler that waits for no step isn't stuck while one is in flight, and any result wakes it", async () => {
  const machine = new Machine(async (ask) => {
    void ask("a");
    await new Promise(() => undefined);
  });
  expect(await machine.turn()).toEqual({ kind: "waiting" });
  expect(machine.journal[0]!.condition).toEqual({ wakes: "always" });
});

describe("a handler that no longer asks for its recorded steps", () => {
  const delivered = { ...completed("b", 1), delivery: { order: 0, issued: 2 } };
  // For other requests and none, see determinism.test.ts.
  test("fails the turn when a delivered result belongs to a step that it has not asked for", async () => {
    const machine = new Machine((ask) => ask("a"), [entry("a"), delivered]);
    await expect(machine.turn()).rejects.toThrow(
      `Determinism violation in workflow ${RUN} at step 1: a step is missing.\n` +
        '  The journal holds: mutation "b"\n',
    );
    expect(machine.records).toEqual([]);
  });

  test("may throw, and its error is reported", async () => {
    const error = new Error("early");
    const machine = new Machine(
      () => Promise.reject(error),
      [completed("a", 1)],
    );
    expect(await machine.turn()).toEqual({ kind: "threw", error });
  });
});

describe("a journal after a restart", () => {
  test("unstarted steps start again in their old places, together with new steps", async () => {
    const machine = new Machine(
      (ask) => Promise.all(["a", "b", "c", "d"].map((name) => ask(name))),
      [
        entry("a", { unstarted: true, startedAt: 1 }),
        completed("b", 2),
        entry("c", { unstarted: true, startedAt: 1 }),
      ],
    );
    machine.time = 50;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.records[0]!.steps).toMatchObject([
      { stepNumber: 0, stepId: "step a", startedAt: 1 },
      { stepNumber: 2, stepId: "step c", startedAt: 1 },
      { stepNumber: 3, stepId: undefined, startedAt: 50 },
    ]);
    expect(written(machine)).toEqual(["a", "b 0@4", "c", "d"]);
  });

  test("results delivered before the cut keep their places, and later ones count as new", async () => {
    const log: string[] = [];
    const handler: Handler = async (ask) => {
      const note = (name: string) => ask(name).then(() => log.push(name));
      await Promise.all([
        note("a"),
        note("b"),
        note("c").then(() => note("d")),
      ]);
    };
    // "c" was delivered first, then "d" was issued and all of it delivered; restarted from "d".
    const machine = new Machine(handler, [
      completed("a", 20),
      completed("b", 10),
      { ...completed("c", 30), delivery: { order: 0, issued: 3 } },
    ]);
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(log).toEqual(["c", "b", "a"]);
    expect(written(machine)).toEqual(["a 2@4", "b 1@4", "c 0@3", "d"]);
  });
});

test("the handler's time is the start of the next step or else of the turn, and it is live from its first new result", async () => {
  const turns: [time: number, live: boolean][][] = [];
  const machine = new Machine(async (ask, replay) => {
    const seen: (typeof turns)[number] = [];
    turns.push(seen);
    const see = () => seen.push([replay.now(), replay.live]);
    see();
    await ask("a");
    see();
    await ask("i", { inline: true });
    see();
    await ask("b");
    see();
  });
  for (const done of ["a", "b", undefined]) {
    machine.time += 100;
    await machine.turn();
    if (done) machine.complete(done);
  }
  machine.time += 100;
  await machine.turn();
  expect(turns.map((seen) => seen.map(([, live]) => live))).toEqual([
    [true],
    [false, true, true],
    [false, false, false, true],
    [false, false, false, false],
  ]);
  expect(turns.at(-1)!.map(([time]) => time)).toEqual([100, 200, 200, 400]);
});
