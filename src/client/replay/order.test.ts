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

/** Asks for all of them, and notes in what order their results are delivered. */
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

describe("R3: results that were delivered before are delivered first, in that order", () => {
  const names = ["a", "b", "c"];

  test("whatever their order of completion is now", async () => {
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

  test("an earlier completion that was recorded late follows the delivered results", async () => {
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

  test("a result that made the handler ask for nothing keeps its place", async () => {
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

describe("R4: new results are delivered in order of (completedAt, stepNumber)", () => {
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

  test("by step number if the time is the same", async () => {
    const log: string[] = [];
    const names = ["d", "c", "b", "a"];
    const machine = new Machine(
      showingAll(names, log),
      names.map((name) => completed(name, 5)),
    );
    await machine.turn();
    expect(log).toEqual(names);
  });

  test("a step that completes as it is recorded takes its place among waiting results", async () => {
    const log: string[] = [];
    const machine = new Machine(showingAll(["a", "b"], log));
    machine.outcomeAtOnce = ({ request }) =>
      request.name === "a" ? succeeded("at once") : undefined;
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(log).toEqual(["at once"]);
    expect(written(machine)).toEqual(["a 0@2", "b"]);
  });

  test("inline steps run before any waiting result is delivered, in the order asked", async () => {
    const machine = new Machine(
      async (ask) => {
        const { log } = machine;
        await Promise.all([
          ask("a").then(() => log.push("a delivered")),
          ask("i", { inline: true }).then(() => log.push("i delivered")),
          ask("j", { inline: true }).then(() => log.push("j delivered")),
        ]);
      },
      [completed("a", 1)],
    );
    await machine.turn();
    expect(machine.log).toEqual([
      "run i",
      "i delivered",
      "run j",
      "j delivered",
      "a delivered",
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

  test("inline steps run once: replay delivers their results", async () => {
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
