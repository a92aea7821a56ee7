import { describe, expect, test } from "vitest";
import {
  completed,
  entry,
  failed,
  Machine,
  RUN,
  succeeded,
  written,
  type Ask,
  type Handler,
} from "./testing/machine.js";
import type { JournalEntry } from "./journal.js";

/** Asks for all of them, and notes in what order their results are shown. */
const showingAll =
  (names: string[], log: string[]): Handler =>
  async (ask) => {
    await Promise.all(
      names.map((name) =>
        ask(name).then(
          (value) => log.push(String(value)),
          (error: Error) => log.push(error.message),
        ),
      ),
    );
    return log;
  };

async function inTurn(ask: Ask, names: string[]) {
  const results = [];
  for (const name of names) results.push(await ask(name));
  return results;
}

describe("R1: step n is the nth that the handler asks for", () => {
  test("a first turn writes down what is asked for, in order, and waits", async () => {
    const machine = new Machine(async (ask) => {
      await Promise.all([ask("a"), ask("b", { args: { x: 1 } }), ask("c")]);
    });
    machine.time = 7;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.journal).toMatchObject([
      { name: "a", startedAt: 7, args: {} },
      { name: "b", startedAt: 7, args: { x: 1 } },
      { name: "c", startedAt: 7 },
    ]);
    expect(machine.records).toHaveLength(1);
  });

  test("a turn in which nothing has come writes nothing", async () => {
    const machine = new Machine((ask) => inTurn(ask, ["a", "b"]));
    await machine.turn();
    machine.records.length = 0;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.records).toEqual([]);
  });

  test("each result brings the next request, and the last the return value", async () => {
    const machine = new Machine((ask) => inTurn(ask, ["a", "b"]));
    await machine.turn();
    machine.complete("a");
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    machine.complete("b");
    expect(await machine.turn()).toEqual({
      kind: "returned",
      value: ["a", "b"],
    });
    expect(written(machine)).toEqual(["a 0@1", "b 1@2"]);
  });

  test("whatever number of microtasks lies between two requests", async () => {
    const machine = new Machine(async (ask) => {
      const branch = async (name: string, hops: number) => {
        for (let hop = 0; hop < hops; hop++) await Promise.resolve();
        await ask(name);
      };
      await Promise.all([
        branch("slow", 50),
        branch("quick", 0),
        branch("b", 3),
      ]);
    });
    await machine.turn();
    expect(machine.journal.map(({ name }) => name)).toEqual([
      "quick",
      "b",
      "slow",
    ]);
  });
});

describe("R2: one result at a time, to a blocked handler", () => {
  test("the handler runs until it is blocked before the next is shown", async () => {
    const log: string[] = [];
    const machine = new Machine(
      async (ask) => {
        const branch = async (name: string, hops: number) => {
          await ask(name);
          for (let hop = 0; hop < hops; hop++) await Promise.resolve();
          log.push(name);
        };
        await Promise.all([branch("a", 100), branch("b", 0)]);
      },
      [completed("a", 1), completed("b", 2)],
    );
    expect(await machine.turn()).toMatchObject({ kind: "returned" });
    expect(log).toEqual(["a", "b"]);
  });

  test("what one result makes the handler ask for is asked for before the next is shown", async () => {
    const machine = new Machine(
      async (ask) => {
        const branch = async (name: string) => {
          await ask(name);
          await ask(`after ${name}`);
        };
        await Promise.all([branch("a"), branch("b")]);
      },
      [completed("a", 2), completed("b", 1)],
    );
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(written(machine)).toEqual(["a 1@3", "b 0@2", "after b", "after a"]);
  });

  test("a failed result rejects, and can be caught", async () => {
    const machine = new Machine(
      async (ask) => {
        try {
          await ask("a");
        } catch (error) {
          return (error as Error).message;
        }
      },
      [completed("a", 1, failed("boom"))],
    );
    expect(await machine.turn()).toEqual({ kind: "returned", value: "boom" });
  });

  test("an error that is not caught ends the turn", async () => {
    const machine = new Machine(
      (ask) => ask("a"),
      [completed("a", 1, failed("boom"))],
    );
    expect(await machine.turn()).toEqual({
      kind: "threw",
      error: new Error("boom"),
    });
  });

  test("a handler that throws as it is called ends the turn", async () => {
    const machine = new Machine(() => {
      throw new Error("at once");
    });
    expect(await machine.turn()).toMatchObject({
      kind: "threw",
      error: { message: "at once" },
    });
  });
});

describe("R3: what was shown before is shown first, and in that order", () => {
  const names = ["a", "b", "c"];

  test("whatever the order of completion says now", async () => {
    const log: string[] = [];
    const journal = [
      { ...completed("a", 1), delivery: { order: 2, issued: 3 } },
      { ...completed("b", 2), delivery: { order: 0, issued: 3 } },
      { ...completed("c", 3), delivery: { order: 1, issued: 3 } },
    ];
    const machine = new Machine(showingAll(names, log), journal);
    await machine.turn();
    expect(log).toEqual(["b", "c", "a"]);
  });

  test("an earlier completion that was recorded late comes after what was shown", async () => {
    const log: string[] = [];
    const machine = new Machine(showingAll(names, log), [
      completed("a", 1),
      { ...completed("b", 9), delivery: { order: 0, issued: 3 } },
      entry("c"),
    ]);
    await machine.turn();
    expect(log).toEqual(["b", "a"]);
    expect(written(machine)).toEqual(["a 1@3", "b 0@3", "c"]);
  });

  test("the order is kept on each replay from then on, to the end", async () => {
    const orders: string[][] = [];
    const machine = new Machine(async (ask) => {
      const log: string[] = [];
      orders.push(log);
      return await showingAll(names, log)(ask, undefined as never);
    });
    await machine.turn();
    for (const name of ["c", "a", "b"]) {
      machine.time++;
      machine.complete(name);
      await machine.turn();
    }
    await machine.turn();
    expect(orders).toEqual([
      [],
      ["c"],
      ["c", "a"],
      ["c", "a", "b"],
      ["c", "a", "b"],
    ]);
  });

  test("a result that made the handler ask for nothing keeps its place all the same", async () => {
    const handler: Handler = async (ask) => {
      const order: string[] = [];
      const note = async (name: string) => {
        await ask(name);
        order.push(name);
      };
      await Promise.all([note("a"), note("b")]);
      return order;
    };
    const machine = new Machine(handler);
    await machine.turn();
    machine.time = 5;
    machine.complete("b");
    await machine.turn();
    expect(written(machine)).toEqual(["a", "b 0@2"]);
    machine.time = 1; // Another machine's clock.
    machine.complete("a");
    expect(await machine.turn()).toEqual({
      kind: "returned",
      value: ["b", "a"],
    });
    expect(written(machine)).toEqual(["a 1@2", "b 0@2"]);
  });
});

describe("R4: what is new is shown in order of (completedAt, stepNumber)", () => {
  test("by the time of completion", async () => {
    const log: string[] = [];
    const machine = new Machine(showingAll(["a", "b", "c"], log), [
      completed("a", 3),
      completed("b", 1),
      completed("c", 2, failed("c failed")),
    ]);
    await machine.turn();
    expect(log).toEqual(["b", "c failed", "a"]);
    expect(written(machine)).toEqual(["a 2@3", "b 0@3", "c 1@3"]);
  });

  test("of one time, by the step's number", async () => {
    const log: string[] = [];
    const names = ["d", "c", "b", "a"];
    const machine = new Machine(
      showingAll(names, log),
      names.map((name) => completed(name, 5)),
    );
    await machine.turn();
    expect(log).toEqual(names);
  });

  test("what completes as it is written down takes its place among those that wait", async () => {
    const log: string[] = [];
    const machine = new Machine(showingAll(["a", "b"], log));
    machine.outcomeAtOnce = ({ request }) =>
      request.name === "a" ? succeeded("at once") : undefined;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(log).toEqual(["at once"]);
    expect(written(machine)).toEqual(["a 0@2", "b"]);
  });

  test("inline steps run before any waiting result is shown, in the order asked", async () => {
    const machine = new Machine(
      async (ask) => {
        const { log } = machine;
        await Promise.all([
          ask("a").then(() => log.push("a shown")),
          ask("i", { inline: true }).then(() => log.push("i shown")),
          ask("j", { inline: true }).then(() => log.push("j shown")),
        ]);
      },
      [completed("a", 1)],
    );
    await machine.turn();
    expect(machine.log).toEqual([
      "run i",
      "i shown",
      "run j",
      "j shown",
      "a shown",
    ]);
    expect(written(machine)).toEqual(["a 2@3", "i 0@3", "j 1@3"]);
  });

  test("an inline step that another one's result asks for comes after those asked for before it", async () => {
    const machine = new Machine(async (ask) => {
      const inline = { inline: true };
      await Promise.all([
        ask("i", inline).then(() => ask("k", inline)),
        ask("j", inline),
      ]);
    });
    expect(await machine.turn()).toMatchObject({ kind: "returned" });
    expect(machine.log).toEqual(["run i", "run j", "run k"]);
  });

  test("inline steps run once: replay shows what they brought", async () => {
    const machine = new Machine(async (ask) => {
      const value = await ask("i", { inline: true });
      await ask("a");
      return value;
    });
    machine.inlineOutcome = () => succeeded({ some: "value" });
    await machine.turn();
    machine.complete("a");
    expect(await machine.turn()).toEqual({
      kind: "returned",
      value: { some: "value" },
    });
    expect(machine.log).toEqual(["run i"]);
  });

  test("a handler that changes an inline step's value doesn't change the journal", async () => {
    const machine = new Machine(async (ask) => {
      const value = (await ask("i", { inline: true })) as number[];
      value.push(2);
    });
    machine.inlineOutcome = () => succeeded([1]);
    await machine.turn();
    expect(machine.journal[0]!.outcome).toEqual(succeeded([1]));
  });

  test("an inline step is run when the handler has returned without awaiting it", async () => {
    const machine = new Machine(async (ask) => {
      void ask("i", { inline: true });
      void ask("a");
      return "done";
    });
    expect(await machine.turn()).toEqual({ kind: "returned", value: "done" });
    expect(machine.log).toEqual(["run i"]);
    expect(written(machine)).toEqual(["i", "a"]);
  });

  test("no result is shown to a handler that has returned", async () => {
    const log: string[] = [];
    const machine = new Machine(
      async (ask) => {
        void ask("late").then(() => log.push("late"));
        await ask("a");
      },
      [completed("late", 2), completed("a", 1)],
    );
    expect(await machine.turn()).toMatchObject({ kind: "returned" });
    expect(log).toEqual([]);
  });
});

describe("R5: places are written with what they brought about", () => {
  test("in one record with the steps that the result made the handler ask for", async () => {
    const machine = new Machine(
      (ask) => inTurn(ask, ["a", "b"]),
      [completed("a", 1)],
    );
    await machine.turn();
    expect(machine.records).toHaveLength(1);
    expect(machine.records[0]).toMatchObject({
      steps: [{ stepNumber: 1, request: { name: "b" } }],
      deliveries: [{ delivery: { order: 0, issued: 1 } }],
    });
  });

  test("an inline step is written completed, with its place", async () => {
    const machine = new Machine((ask) => ask("i", { inline: true }));
    machine.time = 3;
    await machine.turn();
    expect(machine.records).toHaveLength(1);
    expect(machine.records[0]!.steps).toMatchObject([
      {
        stepNumber: 0,
        completed: {
          outcome: succeeded("i"),
          completedAt: 3,
          delivery: { order: 0, issued: 1 },
        },
      },
    ]);
  });

  test("also by the turn that ends the run", async () => {
    const machine = new Machine((ask) => ask("a"), [completed("a", 1)]);
    await machine.turn();
    expect(written(machine)).toEqual(["a 0@1"]);
  });

  test("a run canceled meanwhile takes nothing, and the turn ends as fenced", async () => {
    const machine = new Machine((ask) => ask("a"));
    machine.fenced = true;
    expect(await machine.turn()).toEqual({ kind: "fenced" });
    const ending = new Machine((ask) => ask("a"), [completed("a", 1)]);
    ending.fenced = true;
    expect(await ending.turn()).toEqual({ kind: "fenced" });
  });
});

describe("every prefix of a journal is replayed to the same requests (G4)", () => {
  test("a handler with branches of several steps, races and inline steps", async () => {
    const requests: string[][] = [];
    const handler: Handler = async (ask) => {
      const asked: string[] = [];
      requests.push(asked);
      const noted: Ask = (name, more) => {
        asked.push(name);
        return ask(name, more);
      };
      const branch = async (of: string, hops: number) => {
        for (let n = 0; n < 3; n++) {
          for (let hop = 0; hop < hops; hop++) await Promise.resolve();
          await noted(`${of}${n}`, { inline: n === 1 });
        }
        return of;
      };
      const first = await Promise.race([branch("a", 1), branch("b", 9)]);
      await noted(`${first} won`);
      return await Promise.all([branch("c", 0), branch("d", 4)]);
    };
    const machine = new Machine(handler);
    const journals: JournalEntry[][] = [];
    let end = await machine.turn();
    for (let turns = 0; end.kind === "waiting" && turns < 50; turns++) {
      journals.push(structuredClone(machine.journal));
      machine.time++;
      const inFlight = machine.journal.filter(({ outcome }) => !outcome);
      machine.complete(inFlight.at(turns % 2 === 0 ? -1 : 0)!.name);
      end = await machine.turn();
    }
    expect(end).toMatchObject({ kind: "returned" });
    const all = requests.at(-1)!;
    for (const journal of journals) {
      requests.length = 0;
      await new Machine(handler, journal).turn();
      expect(requests[0]).toEqual(all.slice(0, journal.length));
    }
    expect(journals.length).toBeGreaterThan(5);
  });
});

describe("a turn does no more than its limits allow", () => {
  const names = ["a", "b", "c", "d", "e"];
  const all: Handler = (ask) => Promise.all(names.map((name) => ask(name)));

  test("with too many steps to start it yields, and further turns start the rest", async () => {
    const machine = new Machine(all);
    machine.limits.newSteps = 2;
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(written(machine)).toEqual(["a", "b"]);
    expect(machine.records[0]!.goOn).toBe(true);
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(written(machine)).toEqual(names);
    expect(machine.records.at(-1)!.goOn).toBe(false);
  });

  test("as many as are allowed don't make it yield", async () => {
    const machine = new Machine(all);
    machine.limits.newSteps = names.length;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
  });

  test("results that come while it yields are shown when all steps are started", async () => {
    const machine = new Machine(all);
    machine.limits.newSteps = 2;
    await machine.turn();
    machine.complete("a");
    await machine.turn();
    expect(written(machine)).toEqual(["a", "b", "c", "d"]);
    await machine.turn();
    expect(written(machine)).toEqual(["a 0@5", "b", "c", "d", "e"]);
  });

  test("with arguments too large to start at once it yields, having started one at least", async () => {
    const machine = new Machine(async (ask) => {
      const args = { text: "x".repeat(1000) };
      await Promise.all(names.map((name) => ask(name, { args })));
    });
    machine.limits.newBytes = 10;
    const ends = [];
    for (const _ of names) ends.push((await machine.turn()).kind);
    expect(ends).toEqual([
      "yielded",
      "yielded",
      "yielded",
      "yielded",
      "waiting",
    ]);
  });

  test("with results too large to be shown at once it yields, having shown one at least", async () => {
    const machine = new Machine(
      all,
      names.map((name) => completed(name, 1)),
    );
    machine.limits.shownBytes = 150;
    const ends = [];
    for (let turns = 0; turns < 3; turns++)
      ends.push((await machine.turn()).kind);
    expect(ends).toEqual(["yielded", "yielded", "returned"]);
    expect(written(machine)).toEqual(
      names.map((name, at) => `${name} ${at}@5`),
    );
  });

  test("with no room for one more inline step it yields, and each still runs once", async () => {
    const machine = new Machine(async (ask) => {
      const results = [];
      for (const name of names) results.push(await ask(name, { inline: true }));
      return results;
    });
    machine.inlineRoom = 2;
    const ends = [];
    for (let turns = 0; turns < 3; turns++) ends.push(await machine.turn());
    expect(ends).toEqual([
      { kind: "yielded" },
      { kind: "yielded" },
      { kind: "returned", value: names },
    ]);
    expect(machine.log).toEqual(names.map((name) => `run ${name}`));
    expect(written(machine)).toEqual(
      names.map((name, at) => `${name} ${at}@${at + 1}`),
    );
  });

  test("steps after an inline step that is still to run are not written before it", async () => {
    const machine = new Machine(async (ask) => {
      await Promise.all([
        ask("i", { inline: true }),
        ask("a"),
        ask("j", { inline: true }),
        ask("b"),
      ]);
    });
    machine.inlineRoom = 1;
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(written(machine)).toEqual(["i 0@4", "a"]);
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(written(machine)).toEqual(["i 0@4", "a", "j 1@4", "b"]);
    expect(machine.log).toEqual(["run i", "run j"]);
  });

  test("a handler that has returned with too many steps to start ends when all are started", async () => {
    const machine = new Machine(async (ask) => {
      for (const name of names) void ask(name);
      return "done";
    });
    machine.limits.newSteps = 3;
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(await machine.turn()).toEqual({ kind: "returned", value: "done" });
    expect(written(machine)).toEqual(names);
  });
});

describe("a handler that can't go on", () => {
  test("is stuck when it waits for no step and none is in flight", async () => {
    const machine = new Machine(async (ask) => {
      await ask("a");
      await new Promise(() => undefined);
    });
    await machine.turn();
    machine.complete("a");
    expect(await machine.turn()).toEqual({ kind: "stuck" });
  });

  test("is not stuck while a step is in flight, awaited or not: any result wakes it", async () => {
    const machine = new Machine(async (ask) => {
      void ask("a");
      await new Promise(() => undefined);
    });
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.journal[0]!.interest).toEqual({ wakes: "always" });
  });
});

describe("a handler that no longer asks for what its journal holds", () => {
  const journal = () => [completed("a", 1), entry("b")];

  test("fails the turn when it is blocked, naming step, run and what is missing", async () => {
    const machine = new Machine(async (ask) => {
      await ask("a");
      await new Promise(() => undefined);
    }, journal());
    await expect(machine.turn()).rejects.toThrow(
      `Determinism violation in workflow ${RUN} at step 1: a step is missing.\n` +
        '  The journal holds: mutation "b"\n' +
        "  The handler is blocked without asking for it.",
    );
    expect(machine.records).toEqual([]);
  });

  test("fails the turn when it returns", async () => {
    const machine = new Machine(async (ask) => {
      await ask("a");
    }, journal());
    await expect(machine.turn()).rejects.toThrow(
      "The handler returned without asking for it.",
    );
  });

  test("fails the turn when a result that was shown belongs to a step it has not asked for", async () => {
    const shown = { ...completed("b", 1), delivery: { order: 0, issued: 2 } };
    const machine = new Machine((ask) => ask("a"), [entry("a"), shown]);
    await expect(machine.turn()).rejects.toThrow(/at step 1: .* missing/);
  });

  test("may throw: its error is the one to see", async () => {
    const machine = new Machine(async () => {
      throw new Error("early");
    }, journal());
    expect(await machine.turn()).toMatchObject({
      kind: "threw",
      error: { message: "early" },
    });
  });

  test("fails the turn even if it asks for other steps and catches everything", async () => {
    const machine = new Machine(async (ask) => {
      try {
        await ask("z");
      } catch {
        // Whatever it is.
      }
    }, journal());
    await expect(machine.turn()).rejects.toThrow("the name differs");
    expect(machine.records).toEqual([]);
  });
});

describe("what a restart leaves", () => {
  test("steps without their execution are started again, in their old places", async () => {
    const machine = new Machine(
      (ask) => Promise.all([ask("a"), ask("b"), ask("c")]),
      [
        entry("a", { unstarted: true, startedAt: 1 }),
        completed("b", 2),
        entry("c", { unstarted: true, startedAt: 1 }),
      ],
    );
    machine.time = 50;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.records.flatMap(({ steps }) => steps)).toMatchObject([
      { stepNumber: 0, stepId: "step a", startedAt: 1 },
      { stepNumber: 2, stepId: "step c", startedAt: 1 },
    ]);
    expect(written(machine)).toEqual(["a", "b 0@3", "c"]);
  });

  test("they are written with those asked for after the journal's end", async () => {
    const machine = new Machine(
      (ask) => Promise.all([ask("a"), ask("b")]),
      [entry("a", { unstarted: true })],
    );
    await machine.turn();
    expect(machine.records).toHaveLength(1);
    expect(
      machine.records[0]!.steps.map(({ stepNumber }) => stepNumber),
    ).toEqual([0, 1]);
  });

  test("results shown before the cut are shown there again; those after it count as new", async () => {
    const log: string[] = [];
    const handler: Handler = async (ask) => {
      const note = (name: string) => ask(name).then(() => log.push(name));
      await Promise.all([
        note("a"),
        note("b"),
        note("c").then(() => note("d")),
      ]);
    };
    // "c" was shown first, then "d" was issued and all of it shown; restarted from "d".
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

describe("what the handler sees of time, and whether it is live", () => {
  test("the time is the following step's start, or the turn's where nothing follows", async () => {
    const times: number[] = [];
    const machine = new Machine(async (ask, replay) => {
      times.push(replay.now());
      await ask("a");
      times.push(replay.now());
      await ask("b");
      times.push(replay.now());
    });
    machine.time = 100;
    await machine.turn();
    machine.time = 200;
    machine.complete("a");
    await machine.turn();
    machine.time = 300;
    machine.complete("b");
    times.length = 0;
    await machine.turn();
    expect(times).toEqual([100, 200, 300]);
  });

  test("a first turn is live; later ones from the first result that is new to the handler", async () => {
    const lives: boolean[] = [];
    const machine = new Machine(async (ask, replay) => {
      lives.push(replay.live);
      await ask("a");
      lives.push(replay.live);
      await ask("i", { inline: true });
      lives.push(replay.live);
      await ask("b");
      lives.push(replay.live);
    });
    await machine.turn();
    machine.complete("a");
    await machine.turn();
    machine.complete("b");
    await machine.turn();
    await machine.turn();
    expect(lives).toEqual([
      ...[true],
      ...[false, true, true],
      ...[false, false, false, true],
      ...[false, false, false, false],
    ]);
  });
});
