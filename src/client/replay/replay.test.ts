import { describe, expect, test } from "vitest";
import {
  completed,
  failed,
  Machine,
  succeeded,
  written,
  type Ask,
  type Handler,
} from "./testing/machine.js";
import type { JournalEntry } from "./journal.js";

async function inTurn(ask: Ask, names: string[]) {
  const results = [];
  for (const name of names) results.push(await ask(name));
  return results;
}

describe("R1: step n is the nth that the handler asks for", () => {
  test("a first turn records the steps asked for, in order, and waits", async () => {
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

  test("a turn without new results writes nothing", async () => {
    const machine = new Machine((ask) => inTurn(ask, ["a", "b"]));
    await machine.turn();
    machine.records.length = 0;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(machine.records).toEqual([]);
  });

  test("each result leads to the next request, and the last to the return value", async () => {
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

describe("R2: results are delivered one at a time, to a blocked handler", () => {
  test("the handler runs until it is blocked before the next result is delivered", async () => {
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

  test("the requests that one result leads to come before the next result is delivered", async () => {
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

describe("R5: a result's place is written with the requests that it led to", () => {
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

  test("a run that was canceled meanwhile records nothing, and the turn ends as fenced", async () => {
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
