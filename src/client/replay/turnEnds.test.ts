import { describe, expect, test } from "vitest";
import {
  completed,
  entry,
  Machine,
  RUN,
  written,
  type Handler,
} from "./testing/machine.js";

describe("a handler that can't continue", () => {
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
    expect(machine.journal[0]!.condition).toEqual({ wakes: "always" });
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

  test("fails the turn when a delivered result belongs to a step that it has not asked for", async () => {
    const delivered = {
      ...completed("b", 1),
      delivery: { order: 0, issued: 2 },
    };
    const machine = new Machine((ask) => ask("a"), [entry("a"), delivered]);
    await expect(machine.turn()).rejects.toThrow(/at step 1: .* missing/);
  });

  test("may throw: its error is reported", async () => {
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

describe("a journal after a restart", () => {
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

  test("results delivered before the cut are delivered there again, and those after it count as new", async () => {
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

describe("the handler's time, and whether it is live", () => {
  test("the time is the start of the following step, or of the turn if none follows", async () => {
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
