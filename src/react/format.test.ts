import { expect, test } from "vitest";
import {
  formatCount,
  formatDistance,
  formatDuration,
  formatExactTime,
  formatTime,
  fromLocalInput,
  plural,
  toLocalInput,
} from "./format.js";

test.each([
  [-5, "0 ms"],
  [0, "0 ms"],
  [999.4, "999 ms"],
  [1000, "1 s"],
  [4230, "4.2 s"],
  [9949, "9.9 s"],
  [9960, "10 s"],
  [59_499, "59 s"],
  [59_600, "1 min"],
  [72_000, "1 min 12 s"],
  [3_599_900, "60 min"],
  [7_200_000, "2 h"],
  [7_500_000, "2 h 5 min"],
  [86_400_000, "1 d"],
  [273_600_000, "3 d 4 h"],
])("formatDuration: %d ms is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("formatDistance handles past and future times", () => {
  expect(formatDistance(5000, 2000)).toBe("in 3 s");
  expect(formatDistance(2000, 5000)).toBe("3 s ago");
  expect(formatDistance(5000, 5400)).toBe("now");
});

test("a time in another year includes the year, and an invalid time doesn't throw", () => {
  const now = Date.UTC(2026, 5, 1);
  expect(formatTime(now, now)).not.toContain("2026");
  expect(formatTime(Date.UTC(2024, 5, 1), now)).toContain("2024");
  expect(formatTime(NaN, now)).toBe("NaN");
  expect(formatExactTime(1e300)).toBe("1e+300");
});

test("counts have digit separators, even if counting stopped early", () => {
  expect(formatCount(1234567)).toBe("1,234,567");
  expect(formatCount("1000+")).toBe("1,000+");
  expect(plural(1, "run")).toBe("1 run");
  expect(plural(2000, "step")).toBe("2,000 steps");
});

test("a time survives an input", () => {
  const time = Date.UTC(2026, 10, 29, 9, 30);
  expect(fromLocalInput(toLocalInput(time))).toBe(time);
  expect(toLocalInput(undefined)).toBe("");
  expect(fromLocalInput("")).toBeUndefined();
  expect(fromLocalInput("soon")).toBeUndefined();
});
