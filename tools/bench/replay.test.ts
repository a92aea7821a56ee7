// @vitest-environment node
import { beforeAll, expect, test } from "vitest";
import { ROOT } from "../paths.mjs";
import { callsOf, prepareTurn } from "./replay.mjs";

// Counts a turn's work for each step that it replays, with the client as apps bundle it.

const STEPS = 500;

let calls: Map<string, number>;
let callsOfMore: Map<string, number>;
beforeAll(async () => {
  calls = await callsOf(await prepareTurn(ROOT, STEPS));
  callsOfMore = await callsOf(await prepareTurn(ROOT, 2 * STEPS));
});

const sum = (counts: Map<string, number>) =>
  [...counts.values()].reduce((total, count) => total + count, 0);

test("the host is called once for each replayed step", async () => {
  const { hostCalls } = await (await prepareTurn(ROOT, STEPS))();
  expect(hostCalls).toBeLessThanOrEqual(STEPS + 4);
});

test("replaying a step takes no more work in a longer journal", () => {
  const fixed = 2 * sum(calls) - sum(callsOfMore);
  expect(sum(callsOfMore) - sum(calls)).toBeLessThan(135 * STEPS);
  expect(Math.abs(fixed)).toBeLessThan(0.02 * sum(calls));
});

test("globals aren't patched again for each replayed step", () => {
  expect(calls.get("replaceProperty")).toBeGreaterThan(10);
  expect(callsOfMore.get("replaceProperty")).toBe(calls.get("replaceProperty"));
});

test("recorded arguments are neither copied nor compared again", () => {
  expect(calls.get("recordedArgs")).toBe(STEPS);
  expect(calls.get("storedCopy") ?? 0).toBe(0);
  expect(calls.get("findDifference") ?? 0).toBe(0);
});

test("journal rows aren't converted value by value", () => {
  for (const converter of ["convexToJsonInternal", "jsonToConvex"]) {
    expect(calls.get(converter)).toBeGreaterThan(0);
    expect(callsOfMore.get(converter)).toBeLessThan(STEPS / 10);
  }
});
