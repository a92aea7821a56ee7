import {
  convexToJson,
  getConvexSize,
  jsonToConvex,
  type Value,
} from "convex/values";
import { describe, expect, test } from "vitest";
import { isStoredAs, sizeOf } from "./storable.js";

const values: unknown[] = [
  ...[null, true, false, 0, -0, 1.5, NaN, Infinity, 7n],
  ...["", "text", "zwölf", "日本", "🧵🪡", "\u0000", "a".repeat(300)],
  new Uint8Array([1, 2, 3]).buffer,
  ...[[], [[]], [1, "a", null], [[1], [2, [3]]]],
  ...[{}, { a: 1 }, { b: [{ c: "d" }], a: { e: null } }, { text: "日本" }],
  { undefined, kept: 1 },
  Object.assign(Object.create(null) as object, { a: 1 }),
];

test("the size of a value equals Convex's", () => {
  for (const value of values) {
    expect(sizeOf(value)).toBe(getConvexSize(value as Value));
    expect(sizeOf({ value })).toBe(getConvexSize({ value: value as Value }));
  }
});

test("the size of an invalid Convex value is refused", () => {
  expect(sizeOf(undefined)).toBe(0);
  for (const value of [Symbol("s"), () => 1, new Date(0), new Map()])
    expect(() => sizeOf({ value })).toThrow();
});

const stored = (value: unknown) => jsonToConvex(convexToJson(value as Value));

describe("a value that is compared with its stored form", () => {
  const pairs = values.flatMap((a) => values.map((b) => [a, b] as const));

  test("is equal only if it would be stored that way", () => {
    for (const [a, b] of pairs)
      if (isStoredAs(stored(a), b)) expect(stored(b)).toEqual(stored(a));
  });

  test("is found equal without conversion, unless it is bytes", () => {
    const seen = values.filter((value) => isStoredAs(stored(value), value));
    expect(seen).toEqual(
      values.filter((value) => !(value instanceof ArrayBuffer)),
    );
  });

  test.each([
    [
      "an object of a class",
      { a: 1 },
      new (class A {
        a = 1;
      })(),
    ],
    ["a date", {}, new Date(0)],
    ["an array with a hole", [null], Array(1)],
    ["an array in the place of an object", {}, []],
    ["an object in the place of an array", [], {}],
    ["an array that is longer", [1], [1, 2]],
    ["an object with another field", { a: 1 }, { a: 1, b: 2 }],
    ["an object without a field", { a: 1, b: 2 }, { a: 1 }],
    ["a function that the object inherits", { a: 1 }, { constructor: Object }],
    ["a prototype", { a: 1 }, JSON.parse('{"__proto__":{}}')],
    ["another zero", 0, -0],
    ["undefined", null, undefined],
  ])("is not the same if it is %s", (_what, held, value) => {
    expect(isStoredAs(held, value)).toBe(false);
    expect(isStoredAs({ held }, { held: value })).toBe(false);
  });
});
