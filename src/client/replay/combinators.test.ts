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

  type Conditions = Record<string, object>;
  const group = (wakes: string, number = 0) => ({ wakes, group: number });

  test.each<[string, Parameters<typeof handling>[0], Conditions]>([
    ["any result of an awaited step", (ask) => ask("a"), { a: always }],
    [
      "no result of an unawaited step while another step is awaited",
      async (ask) => {
        void ask("aside");
        await ask("a");
      },
      { aside: never, a: always },
    ],
    [
      "results that can settle a Promise.all",
      (ask, p) => p.all([ask("a"), ask("b")]),
      { a: group("all"), b: group("all") },
    ],
    [
      "results that can settle a Promise.allSettled",
      (ask, p) => p.allSettled([ask("a"), ask("b")]),
      { a: group("allSettled"), b: group("allSettled") },
    ],
    [
      "results that can settle a Promise.any",
      (ask, p) => p.any([ask("a"), ask("b")]),
      { a: group("any"), b: group("any") },
    ],
    [
      "any member of a Promise.race",
      (ask, p) => p.race([ask("a"), ask("b")]),
      { a: always, b: always },
    ],
    [
      "any result of a member that is also awaited directly",
      async (ask, p) => {
        const a = ask("a");
        const noted = a.then(() => ask("after a"));
        await p.all([a, ask("b")]);
        await noted;
      },
      { a: always, b: group("all") },
    ],
    [
      "any result of promises derived from steps",
      (ask, p) =>
        p.all([
          ask("a").then(() => 1),
          (async () => await ask("b"))(),
          ask("c").finally(() => undefined),
        ]),
      { a: always, b: always, c: always },
    ],
    [
      "results that settle a Promise.all inside a race, and any result of the race's other members",
      (ask, p) => p.race([p.all([ask("a"), ask("b")]), ask("c")]),
      { a: group("all"), b: group("all"), c: always },
    ],
  ])("%s", async (_which, body, expected) => {
    const machine = handling(body);
    await machine.turn();
    expect(conditions(machine)).toEqual(expected);
  });

  const ok = succeeded(null);
  test.each<
    [
      string,
      Parameters<typeof handling>[0],
      Record<string, ReturnType<typeof failed>>,
      Conditions,
    ]
  >([
    [
      "a step's result from the time at which the step is awaited",
      async (ask) => {
        const aside = ask("aside");
        await ask("a");
        await aside;
      },
      { a: ok },
      { aside: always },
    ],
    [
      "one group for each combinator, the same on each replay",
      (ask, p) =>
        Promise.all([
          p.all([ask("a"), ask("b")]),
          p.allSettled([ask("c"), ask("d")]).then(() => ask("e")),
        ]),
      { a: ok, c: ok },
      { b: group("all"), d: group("allSettled", 1) },
    ],
    [
      "no member that was pending when its combinator settled",
      async (ask, p) => {
        await p.race([ask("a"), ask("b")]);
        await ask("c");
      },
      { a: ok },
      { b: never, c: always },
    ],
    [
      "no other member of a failed Promise.all",
      async (ask, p) => {
        await p.all([ask("a"), ask("b")]).catch(() => undefined);
        await ask("c");
      },
      { a: failed("boom") },
      { b: never, c: always },
    ],
  ])("%s, after a result", async (_which, body, results, expected) => {
    const machine = handling(body);
    await machine.turn();
    for (const [step, result] of Object.entries(results))
      machine.complete(step, result);
    await machine.turn();
    expect(conditions(machine)).toMatchObject(expected);
  });

  test("any result of a member of two combinators, then only what the pending one needs", async () => {
    const machine = handling(async (ask, p) => {
      const a = ask("a");
      const both = p.all([a, ask("b")]);
      await p.race([a, ask("c")]);
      await both;
    });
    await machine.turn();
    const b = group("all");
    expect(conditions(machine)).toMatchObject({ a: always, b, c: always });
    machine.complete("c");
    await machine.turn();
    expect(conditions(machine)).toMatchObject({ a: b, b });
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

  test("any iterable works, and values and other promises may be among the steps", async () => {
    expect(
      await outcomeOf("all", function* (ask) {
        yield 1;
        yield ask("a");
        yield Promise.resolve("p");
      }),
    ).toEqual([1, "a", "p"]);
  });

  test("an argument that isn't iterable rejects instead of throwing", async () => {
    for (const name of ["all", "allSettled", "race", "any"] as const)
      expect(
        await outcomeOf(name, () => 5 as unknown as Iterable<unknown>),
      ).toMatch(/iterable/);
  });
});
