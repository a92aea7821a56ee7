import { expect, test } from "vitest";
import { inspect } from "./platformInspect.js";

test.each([
  ['it\'s a "line"\n', `'it\\'s a "line"\\n'`],
  [[1, -0, 2n, null, undefined, true], "[ 1, -0, 2n, null, undefined, true ]"],
  [{ a: "b", "c d": [] as unknown[], e: {} }, "{ a: 'b', 'c d': [], e: {} }"],
  [new Map([["a", 1]]), "Map (1) {'a' => 1}"],
  [new Set([1, "a"]), "Set (2) {1, 'a'}"],
  [new Date(0), "1970-01-01T00:00:00.000Z"],
  [{ error: new TypeError("boom") }, "{ error: [TypeError: boom] }"],
  [inspect, "[Function: inspect]"],
])("%o is printed as %s", (value, text) => {
  expect(inspect(value)).toBe(text);
});

test("circular and deeply nested values are cut short", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(inspect(circle)).toBe("{ self: [Circular] }");
  expect(inspect([[[[[[[]]]]]]])).toBe("[ [ [ [ [ [ [Array] ] ] ] ] ] ]");
});

test("an error is printed with its stack", () => {
  const error = Object.assign(new Error("boom"), { stack: "    at a.ts:1:2" });
  expect(inspect(error)).toBe("Error: boom\n    at a.ts:1:2");
});
