import { v, type GenericValidator } from "convex/values";
import * as helpers from "convex-helpers/validators";
import { describe, expect, test } from "vitest";
import { db } from "../testing/idReader.js";
import { parse } from "./parse.js";

const fields = { name: v.string(), age: v.optional(v.number()) };
const validators: GenericValidator[] = [
  ...[v.null(), v.string(), v.boolean(), v.number(), v.int64(), v.bytes()],
  ...[v.any(), v.literal("a"), v.literal(1), v.optional(v.literal(2n))],
  ...[v.id("runs"), v.id("_storage"), v.optional(v.string())],
  ...[v.array(v.number()), v.array(v.object(fields)), v.object({})],
  v.object(fields),
  v.object({ inner: v.object(fields), list: v.array(v.union(v.null())) }),
  v.object({ constructor: v.optional(v.any()), toString: v.string() }),
  v.record(v.string(), v.number()),
  v.record(v.union(v.literal("a"), v.literal("b")), v.object(fields)),
  v.union(),
  v.union(v.string(), v.number()),
  v.union(v.object({}), v.object(fields)),
  v.union(v.object({ ...fields, nested: v.union(v.object({}), v.null()) })),
  v.union(v.array(v.object({})), v.array(v.object(fields))),
];

const values: unknown[] = [
  ...[undefined, null, "", "a", "text", true, false, 0, 1, NaN, 2n],
  ...[new ArrayBuffer(2), [], [1, 2], [1, "2"], [null, undefined]],
  ...[{}, { name: "n" }, { name: "n", age: 1 }, { name: "n", age: "1" }],
  ...[{ name: "n", more: 1 }, { name: "n", more: undefined }, { age: 1 }],
  ...[{ a: 1, b: 2 }, { a: { name: "n" } }, { c: { name: "n", more: 1 } }],
  { inner: { name: "n", more: 1 }, list: [null] },
  { name: "n", nested: { more: 1 } },
  { toString: "own" },
  [{ name: "n" }, { name: "n", more: 1 }],
  Object.assign(Object.create(null) as object, { name: "n" }),
  ...[new Date(0), new Map(), new (class Name {})()],
];

/** Returns a function's result, or that it throws. */
function resultOf(run: () => unknown) {
  try {
    return { result: run() };
  } catch {
    return { isRefused: true };
  }
}

describe("parsing a value by a validator", () => {
  test.each(
    validators.map((validator) => [validator.kind, validator] as const),
  )(
    "has the result of convex-helpers for each value: %s (%#)",
    (_kind, validator) => {
      const accepts = (run: () => unknown) => "result" in resultOf(run);
      for (const value of values) {
        expect(resultOf(() => parse(validator, value))).toEqual(
          resultOf(() => helpers.parse(validator, value)),
        );
        const strict = { throw: true, db };
        expect(
          accepts(() => parse(validator, value, { strict: true, db })),
        ).toBe(accepts(() => helpers.validate(validator, value, strict)));
      }
    },
  );
});
