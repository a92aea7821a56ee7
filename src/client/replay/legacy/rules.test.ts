import { describe, expect, test } from "vitest";
import type { StepKind } from "../journal.js";
import { completed, failed } from "../testing/machine.js";
import { callHost, overJournal, type Ask } from "./testing/overJournal.js";

/** Returns a journal of completed steps. */
const journalOf = (
  length: number,
  kind: StepKind = "function",
  fails = false,
) =>
  Array.from({ length }, (_, at) => ({
    ...completed("step", at, fails ? failed("no") : undefined),
    kind,
  }));

describe("as many microtasks pass between a request and its reply as under 0.4", () => {
  /** Runs a handler next to a loop that counts its `await null`s, and returns the handler's result. */
  async function counting<T>(handler: (hops: () => number) => Promise<T>) {
    let hops = 0;
    let running = true;
    const tick = async () => {
      while (running) {
        await Promise.resolve();
        hops++;
      }
    };
    void tick();
    try {
      return await handler(() => hops);
    } finally {
      running = false;
    }
  }

  test.each<[StepKind, first: number, idle: number]>([
    ["function", 5, 7],
    ["workflow", 4, 6],
    ["sleep", 4, 6],
    ["event", 4, 6],
  ])(
    "steps of kind %s: %i for the first, %i for each that follows, and one more for each at the same time",
    async (kind, first, idle) => {
      const inTurn = (ask: Ask) =>
        counting(async (hops) => {
          const measured: number[] = [];
          for (let step = 0; step < 3; step++) {
            const before = hops();
            await ask(kind).catch(() => {});
            // The `catch` takes one hop.
            measured.push(hops() - before - 1);
          }
          return measured;
        });
      for (const fails of [false, true])
        expect(
          await overJournal(journalOf(3, kind, fails), inTurn),
        ).toMatchObject({ value: [first, idle, idle] });

      const steps = journalOf(14, kind);
      const atOnce = (ask: Ask) =>
        counting((hops) =>
          Promise.all(
            steps.map(async () => {
              await ask(kind);
              return hops();
            }),
          ),
        );
      for (const capacity of [3, 10, 100])
        expect(await overJournal(steps, atOnce, capacity)).toMatchObject({
          value: steps.map((_, at) => first + at),
        });
    },
  );
});

describe("a request is compared with the journal's entry", () => {
  test("except for the type of a function", async () => {
    const end = await overJournal(journalOf(1), (ask) =>
      ask("function", { functionType: "query" }),
    );
    expect(end).toEqual({ kind: "returned", value: "step" });
  });

  test.each([
    ["kind", { kind: "sleep" }],
    ["name", { name: "other" }],
    ["value of args.x", { args: { x: 1 } }],
  ] as const)("and a step of another %s is refused", async (what, request) => {
    await expect(
      overJournal(journalOf(1), (ask) => ask("function", request)),
    ).rejects.toThrow(`at step 0: the ${what} differs.`);
  });
});

test("a handler may return without asking for recorded steps, and need not await a failed step", async () => {
  const end = await overJournal(journalOf(3, "function", true), async (ask) => {
    void ask("function");
    await ask("function").catch(() => {});
    return "returned";
  });
  expect(end).toEqual({ kind: "returned", value: "returned" });
});

// This was observed on the local backend. On convex-test, such a run of 0.4.8 hangs.
describe("the new steps of the turn in which the handler ends are dropped", () => {
  const last = { name: "last" };
  const end = () => {
    throw new Error("ended");
  };

  test.each<[string, recorded: number, (ask: Ask) => Promise<unknown>]>([
    [
      "an unawaited step",
      1,
      async (ask) => {
        await ask("function");
        void ask("function", last);
        end();
      },
    ],
    [
      "an unawaited sleep and child",
      1,
      async (ask) => {
        await ask("function");
        void ask("sleep", last);
        void ask("workflow", last);
        end();
      },
    ],
    [
      "the next step of a race's loser",
      2,
      async (ask) => {
        const loser = ask("function").then(() => ask("function", last));
        await Promise.race([ask("function"), loser]);
        end();
      },
    ],
  ])("%s", async (_what, recorded, handler) => {
    const error = new Error("ended");
    const ended = await overJournal(journalOf(recorded), handler);
    expect(ended).toEqual({ kind: "threw", error });
  });

  test("except inline steps, which run, and aren't recorded after a dropped one", async () => {
    const log: string[] = [];
    const handler = async (ask: Ask) => {
      void ask("function", last);
      void ask("function", { name: "inline", inline: true });
      return "returned";
    };
    const ended = await overJournal([], handler, undefined, log);
    expect(ended).toEqual({ kind: "returned", value: "returned" });
    expect(log).toEqual(["ran inline"]);
  });

  const microtask = () => Promise.resolve();
  test.each<[StepKind, what: string, wait: () => Promise<void>]>([
    ["sleep", "microtasks", microtask],
    ["event", "microtasks", microtask],
    ["function", "calls of the host", callHost],
    ["workflow", "calls of the host", callHost],
  ])(
    "unless the %s starts first: it takes two %s",
    async (kind, _what, wait) => {
      const logAfter = async (count: number) => {
        const log: string[] = [];
        const handler = async (ask: Ask) => {
          await ask("sleep");
          void ask(kind, last);
          for (let at = 0; at < count; at++) await wait();
        };
        await overJournal(journalOf(1, "sleep"), handler, undefined, log);
        return log;
      };
      expect(await logAfter(1)).toEqual([]);
      expect(await logAfter(2)).toEqual(["recorded last"]);
    },
  );
});

test("a handler that awaits something other than a step is stuck", async () => {
  const end = await overJournal([], () => new Promise(() => {}));
  expect(end).toEqual({ kind: "stuck" });
});
