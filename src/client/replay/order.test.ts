import { describe, expect, test } from "vitest";
import {
  completed,
  entry,
  failed,
  Machine,
  succeeded,
  written,
  type Handler,
} from "./testing/machine.js";

// For every order of results, see src/testing/random/core.test.ts.

/** Asks for all steps and records the order in which their results are delivered. */
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

describe("R3: results that earlier turns delivered come first, in the same order", () => {
  const names = ["a", "b", "c"];
  const shown = (name: string, completedAt: number, order: number) => ({
    ...completed(name, completedAt),
    delivery: { order, issued: 3 },
  });

  test.each([
    [
      "whatever their order of completion is now",
      [shown("a", 1, 2), shown("b", 2, 0), shown("c", 3, 1)],
      ["b", "c", "a"],
      ["a 2@3", "b 0@3", "c 1@3"],
    ],
    [
      "and an earlier completion that was recorded late follows them",
      [completed("a", 1), shown("b", 9, 0), entry("c")],
      ["b", "a"],
      ["a 1@3", "b 0@3", "c"],
    ],
  ])("%s", async (_what, journal, order, places) => {
    const log: string[] = [];
    const machine = new Machine(showingAll(names, log), journal);
    await machine.turn();
    expect(log).toEqual(order);
    expect(written(machine)).toEqual(places);
  });

  test("every later replay keeps the order, even if another machine's clock differs", async () => {
    const orders: string[][] = [];
    const machine = new Machine(async (ask) => {
      const log: string[] = [];
      orders.push(log);
      return await showingAll(names, log)(ask, undefined as never);
    });
    await machine.turn();
    const completions: [string, number][] = [
      ["c", 5],
      ["a", 6],
      ["b", 1],
    ];
    for (const [name, time] of completions) {
      machine.time = time;
      machine.complete(name);
      await machine.turn();
    }
    const value = ["c", "a", "b"];
    expect(await machine.turn()).toEqual({ kind: "returned", value });
    expect(orders).toEqual([[], ["c"], ["c", "a"], value, value]);
    expect(written(machine)).toEqual(["a 1@3", "b 2@3", "c 0@3"]);
  });
});

describe("R4: new results are delivered in order of (completedAt, stepNumber)", () => {
  test("by completion time, and by step number if the time is the same", async () => {
    const log: string[] = [];
    const names = ["d", "c", "b", "a"];
    const machine = new Machine(showingAll(names, log), [
      completed("d", 5),
      completed("c", 3),
      completed("b", 1),
      completed("a", 3, failed("a failed")),
    ]);
    await machine.turn();
    expect(log).toEqual(["b", "c", "a failed", "d"]);
    expect(written(machine)).toEqual(["d 3@4", "c 1@4", "b 0@4", "a 2@4"]);
  });

  test("a step that completes when it is recorded queues among waiting results", async () => {
    const log: string[] = [];
    const machine = new Machine(showingAll(["a", "b"], log));
    machine.outcomeAtOnce = ({ request }) =>
      request.name === "a" ? succeeded("at once") : undefined;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(log).toEqual(["at once"]);
    expect(written(machine)).toEqual(["a 0@2", "b"]);
  });

  test("no result is delivered to a handler that has returned", async () => {
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

describe("inline steps", () => {
  const inline = { inline: true };

  test("run once, in the order asked, before any waiting result is delivered, and replay delivers their results", async () => {
    const handler: Handler = async (ask) => {
      const { log } = machine;
      return await Promise.all([
        ask("a").then(() => log.push("a delivered")),
        ask("i", inline)
          .then(() => log.push("i delivered"))
          .then(() => ask("k", inline)),
        ask("j", inline).then(() => log.push("j delivered")),
        ask("b"),
      ]);
    };
    const machine = new Machine(handler, [completed("a", 1)]);
    machine.inlineOutcome = ({ name }) => succeeded({ of: name });
    await machine.turn();
    const inOrder = ["run i", "i delivered", "run j", "j delivered", "run k"];
    expect(machine.log).toEqual([...inOrder, "a delivered"]);
    const places = ["a 3@5", "i 0@4", "j 1@5", "b", "k 2@5"];
    expect(written(machine)).toEqual(places);
    machine.complete("b");
    machine.log.length = 0;
    expect(await machine.turn()).toMatchObject({
      kind: "returned",
      value: { 1: { of: "k" } },
    });
    expect(machine.log).toEqual(["i delivered", "j delivered", "a delivered"]);
  });

  test("run even if the handler has returned without awaiting them", async () => {
    const machine = new Machine(async (ask) => {
      void ask("i", inline);
      void ask("a");
      return "done";
    });
    expect(await machine.turn()).toEqual({ kind: "returned", value: "done" });
    expect(machine.log).toEqual(["run i"]);
    expect(written(machine)).toEqual(["i", "a"]);
  });
});
