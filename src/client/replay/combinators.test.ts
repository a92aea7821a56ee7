import { describe, expect, test } from "vitest";
import { trackingCombinators } from "./combinators.js";
import { failed, Machine, succeeded, type Ask } from "./testing/machine.js";

type Combinators = Record<
  keyof ReturnType<typeof trackingCombinators>,
  (values: Iterable<unknown>) => Promise<unknown>
>;

/** The methods of Promise as a handler sees them. */
function combinators(): Combinators {
  const tracking = trackingCombinators();
  const bound = Object.entries(tracking).map(([name, combinator]) => [
    name,
    (values: Iterable<unknown>) => combinator.call(Promise, values),
  ]);
  return Object.fromEntries(bound) as Combinators;
}

const handling = (body: (ask: Ask, p: Combinators) => Promise<unknown>) =>
  new Machine((ask) => body(ask, combinators()));

const conditions = (machine: Machine) =>
  Object.fromEntries(
    machine.journal.map(({ name, condition }) => [name, condition]),
  );

const always = { wakes: "always" };
const never = { wakes: "never" };

describe("the wake conditions of a blocked handler include", () => {
  test("any result of an awaited step", async () => {
    const machine = handling((ask) => ask("a"));
    await machine.turn();
    expect(conditions(machine)).toEqual({ a: always });
  });

  test.each<[string, (a: Promise<unknown>) => unknown]>([
    ["then", (a) => a.then(() => "seen")],
    ["catch", (a) => a.catch(() => "seen")],
    ["finally", (a) => a.finally(() => undefined)],
    [
      "Promise.prototype.then, taken from it",
      (a) => Promise.prototype.then.call(a, () => "seen"),
    ],
    [
      "Promise.prototype.finally, taken from it",
      (a) => Promise.prototype.finally.call(a, () => undefined),
    ],
    ["Promise.resolve", (a) => Promise.resolve(a)],
    ["a promise that it resolves", (a) => new Promise((r) => r(a))],
    ["an async function that returns it", async (a) => a],
  ])("any result of a step that is subscribed to by %s", async (_how, use) => {
    const machine = handling(async (ask) => {
      void use(ask("a"));
      await ask("b");
    });
    await machine.turn();
    expect(conditions(machine)).toEqual({ a: always, b: always });
  });

  test("no result of an unawaited step while another step is awaited", async () => {
    const machine = handling(async (ask) => {
      void ask("aside");
      await ask("a");
    });
    await machine.turn();
    expect(conditions(machine)).toEqual({ aside: never, a: always });
  });

  test("a step's result from the time at which the step is awaited", async () => {
    const machine = handling(async (ask) => {
      const aside = ask("aside");
      await ask("a");
      await aside;
    });
    await machine.turn();
    machine.complete("a");
    await machine.turn();
    expect(conditions(machine)).toMatchObject({ aside: always });
  });

  test.each(["all", "allSettled", "any"] as const)(
    "results that can settle a Promise.%s",
    async (name) => {
      const machine = handling((ask, p) => p[name]([ask("a"), ask("b")]));
      await machine.turn();
      const group = { wakes: name, group: 0 };
      expect(conditions(machine)).toEqual({ a: group, b: group });
    },
  );

  test("any member of a Promise.race", async () => {
    const machine = handling((ask, p) => p.race([ask("a"), ask("b")]));
    await machine.turn();
    expect(conditions(machine)).toEqual({ a: always, b: always });
  });

  test("one group for each combinator, the same on each replay", async () => {
    const machine = handling(async (ask, p) => {
      await Promise.all([
        p.all([ask("a"), ask("b")]),
        p.allSettled([ask("c"), ask("d")]).then(() => ask("e")),
      ]);
    });
    await machine.turn();
    machine.complete("a");
    machine.complete("c");
    await machine.turn();
    expect(conditions(machine)).toMatchObject({
      b: { wakes: "all", group: 0 },
      d: { wakes: "allSettled", group: 1 },
    });
  });

  test("no member that was pending when its combinator settled", async () => {
    const machine = handling(async (ask, p) => {
      await p.race([ask("a"), ask("b")]);
      await ask("c");
    });
    await machine.turn();
    machine.complete("a");
    await machine.turn();
    expect(conditions(machine)).toMatchObject({ b: never, c: always });
  });

  test("no other member of a failed Promise.all", async () => {
    const machine = handling(async (ask, p) => {
      await p.all([ask("a"), ask("b")]).catch(() => undefined);
      await ask("c");
    });
    await machine.turn();
    machine.complete("a", failed("boom"));
    await machine.turn();
    expect(conditions(machine)).toMatchObject({ b: never, c: always });
  });

  test("any result of a member of two combinators, then only what the pending one needs", async () => {
    const machine = handling(async (ask, p) => {
      const a = ask("a");
      const both = p.all([a, ask("b")]);
      await p.race([a, ask("c")]);
      await both;
    });
    await machine.turn();
    expect(conditions(machine)).toMatchObject({
      a: always,
      b: { wakes: "all" },
      c: always,
    });
    machine.complete("c");
    await machine.turn();
    expect(conditions(machine)).toMatchObject({
      a: { wakes: "all", group: 0 },
      b: { wakes: "all", group: 0 },
    });
  });

  test("any result of a member that is also awaited directly", async () => {
    const machine = handling(async (ask, p) => {
      const a = ask("a");
      const noted = a.then(() => ask("after a"));
      await p.all([a, ask("b")]);
      await noted;
    });
    await machine.turn();
    expect(conditions(machine)).toEqual({
      a: always,
      b: { wakes: "all", group: 0 },
    });
  });

  test("any result of promises derived from steps", async () => {
    const machine = handling((ask, p) =>
      p.all([
        ask("a").then(() => 1),
        (async () => await ask("b"))(),
        ask("c").finally(() => undefined),
      ]),
    );
    await machine.turn();
    expect(conditions(machine)).toEqual({ a: always, b: always, c: always });
  });

  test("results that settle a Promise.all inside a race, and any result of the race's other members", async () => {
    const machine = handling((ask, p) =>
      p.race([p.all([ask("a"), ask("b")]), ask("c")]),
    );
    await machine.turn();
    expect(conditions(machine)).toEqual({
      a: { wakes: "all", group: 0 },
      b: { wakes: "all", group: 0 },
      c: always,
    });
  });

  test("any result if the handler waits in a way that can't be tracked", async () => {
    const machine = handling(async (ask) => {
      const a = ask("a");
      await new Promise((resolve) => {
        // Subscribes without the promise's own `then`.
        void Promise.prototype.then.call(a, resolve);
      });
    });
    await machine.turn();
    expect(conditions(machine)).toEqual({ a: always });
  });

  test("only changes when they are written", async () => {
    const machine = handling(async (ask, p) => {
      const first = p.race([ask("a"), ask("b"), ask("c")]);
      const later = p.all([ask("d"), ask("e")]);
      await first;
      await later;
    });
    await machine.turn();
    machine.records.length = 0;
    machine.complete("a");
    await machine.turn();
    const waits = machine.records.flatMap((record) => record.waits);
    expect(waits.map(({ stepNumber }) => stepNumber)).toEqual([1, 2]);
  });
});

describe("combinators behave like the originals", () => {
  /** Settles each step according to its name, and returns the combinator's result. */
  async function outcomeOf(
    name: keyof Combinators,
    members: (ask: Ask) => Iterable<unknown>,
  ): Promise<unknown> {
    const machine = handling(async (ask, p) => {
      try {
        return await p[name](members(ask));
      } catch (error) {
        if (error instanceof AggregateError)
          return error.errors.map((each: Error) => each.message);
        return (error as Error).message;
      }
    });
    await machine.turn();
    for (const { name: step } of machine.journal) {
      machine.time++;
      machine.complete(step, step.startsWith("bad") ? failed(step) : undefined);
    }
    const end = await machine.turn();
    return end.kind === "returned" ? end.value : end;
  }

  test.each([
    ["all", ["a", "b"], ["a", "b"]],
    ["all", ["a", "bad", "bad too"], "bad"],
    ["race", ["a", "bad"], "a"],
    ["race", ["bad", "a"], "bad"],
    ["any", ["bad", "a", "b"], "a"],
    ["any", ["bad", "bad too"], ["bad", "bad too"]],
    [
      "allSettled",
      ["a", "bad"],
      [
        { status: "fulfilled", value: "a" },
        { status: "rejected", reason: new Error("bad") },
      ],
    ],
  ] as const)("Promise.%s of %j", async (name, steps, outcome) => {
    expect(
      await outcomeOf(name, (ask) => steps.map((step) => ask(step))),
    ).toEqual(outcome);
  });

  test("values and other promises may be among the steps", async () => {
    expect(
      await outcomeOf("all", (ask) => [1, ask("a"), Promise.resolve("p")]),
    ).toEqual([1, "a", "p"]);
  });

  test("any iterable works", async () => {
    expect(
      await outcomeOf("all", function* (ask) {
        yield ask("a");
        yield ask("b");
      }),
    ).toEqual(["a", "b"]);
  });

  test("without members they settle like the originals", async () => {
    const none: unknown[] = [];
    expect(await outcomeOf("all", () => none)).toEqual([]);
    expect(await outcomeOf("allSettled", () => none)).toEqual([]);
    expect(await outcomeOf("any", () => none)).toEqual([]);
  });

  test("an argument that isn't iterable rejects instead of throwing", async () => {
    for (const name of ["all", "allSettled", "race", "any"] as const)
      expect(
        await outcomeOf(name, () => 5 as unknown as Iterable<unknown>),
      ).toMatch(/iterable/);
  });

  test("a failure after a Promise.all has failed is ignored", async () => {
    const machine = handling(async (ask, p) => {
      await p.all([ask("a"), ask("b")]).catch(() => undefined);
      return await ask("c");
    });
    await machine.turn();
    machine.complete("a", failed("first"));
    await machine.turn();
    machine.complete("b", failed("second"));
    machine.complete("c", succeeded("fine"));
    expect(await machine.turn()).toEqual({ kind: "returned", value: "fine" });
  });
});
