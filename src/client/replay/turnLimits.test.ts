import { describe, expect, test } from "vitest";
import {
  completed,
  Machine,
  succeeded,
  written,
  type Handler,
} from "./testing/machine.js";

describe("a turn stays within its limits:", () => {
  const names = ["a", "b", "c", "d", "e"];
  const all: Handler = (ask) => Promise.all(names.map((name) => ask(name)));

  test("it yields if it has more steps to start than the limit, and further turns start the rest", async () => {
    const machine = new Machine(all);
    machine.limits.newSteps = 2;
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(written(machine)).toEqual(["a", "b"]);
    expect(machine.records[0]!.hasMore).toBe(true);
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(await machine.turn()).toEqual({ kind: "waiting" });
    expect(written(machine)).toEqual(names);
    expect(machine.records.at(-1)!.hasMore).toBe(false);
    const exact = new Machine(all);
    exact.limits.newSteps = names.length;
    expect(await exact.turn()).toEqual({ kind: "waiting" });
  });

  test("results that arrive while it yields are delivered once all steps have started", async () => {
    const machine = new Machine(all);
    machine.limits.newSteps = 2;
    await machine.turn();
    machine.complete("a");
    await machine.turn();
    expect(written(machine)).toEqual(["a", "b", "c", "d"]);
    await machine.turn();
    expect(written(machine)).toEqual(["a 0@5", "b", "c", "d", "e"]);
  });

  test("it yields if arguments are too large, after it started at least one step", async () => {
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

  test("it yields if results are too large, after it delivered at least one", async () => {
    const machine = new Machine(
      all,
      names.map((name) => completed(name, 1)),
    );
    machine.limits.deliveredBytes = 150;
    const ends = [];
    for (let turns = 0; turns < 3; turns++)
      ends.push((await machine.turn()).kind);
    expect(ends).toEqual(["yielded", "yielded", "returned"]);
    expect(written(machine)).toEqual(
      names.map((name, at) => `${name} ${at}@5`),
    );
  });

  test("it yields if another inline step has no room, and each still runs once", async () => {
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

  test("an inline step that needs its own transaction runs first in the next turn", async () => {
    const machine = new Machine(async (ask) => {
      await ask("small", { inline: true });
      return await ask("large", { inline: true });
    });
    machine.inlineOutcome = ({ name }, { inlineSteps }) =>
      name === "large" && inlineSteps > 0 ? null : succeeded(name);
    expect(await machine.turn()).toEqual({ kind: "yielded" });
    expect(written(machine)).toEqual(["small 0@1"]);
    expect(await machine.turn()).toEqual({ kind: "returned", value: "large" });
    expect(written(machine)).toEqual(["small 0@1", "large 1@2"]);
    expect(machine.log).toEqual(["run small", "run large", "run large"]);
  });

  test("steps after an inline step that hasn't run aren't recorded before it", async () => {
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

  test("a handler that has returned with too many steps ends once all have started", async () => {
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
