import { beforeEach, afterEach, describe, expect, test, vi } from "vitest";
import { insist, wasRefused } from "./platformErrors.js";

const REFUSALS = [
  "Too many concurrent requests. Your backend is limited to 64 concurrent actions. To get more resources, upgrade to Convex Pro.",
  "Too many concurrent requests in a short period of time. Spread your requests out over time or throttle them to avoid errors.",
  "There are no available workers to process the request",
  "Couldn't acquire a permit on this funrun",
  "Selected isolate was not clean",
  "Too many writes per second. Your deployment is limited to 4 MiB per second.",
];

test.each(REFUSALS)("a refusal of the platform is recognised: %s", (error) => {
  expect(wasRefused(error)).toBe(true);
  // A function's own words.
  expect(wasRefused(`Uncaught Error: ${error}`)).toBe(false);
});

describe("a call of an action's", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  async function times(errors: unknown[], tries: number) {
    const began = Date.now();
    const at: number[] = [];
    const result = insist(tries, async (before) => {
      at.push(Date.now() - began);
      if (before < errors.length) throw errors[before];
      return "done";
    }).catch((error: Error) => error.message);
    await vi.runAllTimersAsync();
    return { result: await result, at };
  }

  test.each([
    ["is refused", REFUSALS[2]!],
    [
      "meets a conflict",
      "Documents read from or written to the table changed while this mutation was being run",
    ],
  ])("that %s is repeated after a pause that grows", async (_what, text) => {
    const errors = [new Error(text), new Error(text), new Error(text)];
    const { result, at } = await times(errors, 4);
    expect(result).toBe("done");
    const pauses = at.slice(1).map((time, index) => time - at[index]!);
    for (const [index, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(0.5 * 250 * 2 ** index);
      expect(pause).toBeLessThanOrEqual(1.5 * 250 * 2 ** index + 1);
    }
    expect(pauses).toHaveLength(3);
  });

  test("is made as often as configured, and then fails with its last error", async () => {
    const errors = Array.from({ length: 9 }, () => new Error(REFUSALS[0]));
    const { result, at } = await times(errors, 3);
    expect(at).toHaveLength(3);
    expect(result).toBe(REFUSALS[0]);
  });

  test("is not repeated after any other error", async () => {
    const { result, at } = await times([new Error("boom")], 3);
    expect(at).toEqual([0]);
    expect(result).toBe("boom");
  });
});
