import { describe, expect, test } from "vitest";
import type { StepKind } from "../journal.js";
import { completed, failed, succeeded } from "../testing/machine.js";
import { overJournal, type Ask } from "./testing/overJournal.js";

// How many microtasks pass between a request and its answer decides in which order branches go on.
// These are the numbers of 0.4, as they were measured beside a loop of `await null`.

/** What a handler returns over a journal of its steps, each of which succeeds unless `fails`. */
async function over(
  kinds: StepKind[],
  handler: (ask: Ask) => Promise<unknown>,
  { fails = false, capacity = 10 } = {},
) {
  const outcome = fails ? failed("no") : succeeded(null);
  const journal = kinds.map((kind, at) => ({
    ...completed("step", at, outcome),
    kind,
  }));
  const end = await overJournal(journal, handler, capacity);
  expect(end.kind).toBe("returned");
  return (end as { value: unknown }).value;
}

/** Counts microtasks beside a handler. */
async function counting<T>(
  handler: (hops: () => number) => Promise<T>,
): Promise<T> {
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

const KINDS: [StepKind, first: number, idle: number][] = [
  ["function", 5, 7],
  ["workflow", 4, 6],
  ["sleep", 4, 6],
  ["event", 4, 6],
];

describe.each(KINDS)("steps of kind %s", (kind, first, idle) => {
  test.each([false, true])(
    `one after the other: the first after ${first} microtasks, others after ${idle} (failing: %s)`,
    async (fails) => {
      const handler = (ask: Ask) =>
        counting(async (hops) => {
          const measured: number[] = [];
          for (let i = 0; i < 3; i++) {
            const before = hops();
            try {
              await ask(kind);
            } catch {
              // As long as a success takes.
            }
            measured.push(hops() - before);
          }
          return measured;
        });
      expect(await over([kind, kind, kind], handler, { fails })).toEqual([
        first,
        idle,
        idle,
      ]);
    },
  );

  test.each([3, 10, 100])(
    `at once: each one microtask after the one before it (capacity %i)`,
    async (capacity) => {
      const kinds = Array.from({ length: 14 }, () => kind);
      const handler = (ask: Ask) =>
        counting(async (hops) => {
          const one = async () => {
            await ask(kind);
            return hops();
          };
          return await Promise.all(kinds.map(one));
        });
      expect(await over(kinds, handler, { capacity })).toEqual(
        kinds.map((_, at) => first + at),
      );
    },
  );
});
