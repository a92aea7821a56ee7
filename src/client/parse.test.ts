import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { db } from "../testing/idReader.js";
import { parse } from "./parse.js";

describe("parsing a value by a validator", () => {
  test("checks the tables of ids, including system tables", () => {
    const ids = v.array(v.union(v.id("runs"), v.id("_storage")));
    const right = ["right", "file"];
    expect(parse(ids, right, { db })).toEqual(right);
    expect(() => parse(ids, ["right", "other"], { db })).toThrow(
      'Validator error for [1]: Expected `Id<_storage>`, got `"other"`',
    );
    expect(parse(ids, ["other"])).toEqual(["other"]);
  });

  test.each([
    [{ list: [1, "two"] }, 'for list[1]: Expected `number`, got `"two"`'],
    [{ list: [], of: {} }, "for of.name: Expected `string`, got `undefined`"],
    [{ list: [], more: 1 }, "for more: Expected `nothing`, got `1`"],
  ])("names the path, the expected type and the value: %j", (value, text) => {
    const validator = v.object({
      list: v.array(v.number()),
      of: v.optional(v.object({ name: v.string() })),
    });
    expect(() => parse(validator, value, { strict: true })).toThrow(text);
  });

  test("shows at most 100 bytes of a value that it refuses", () => {
    const text = "x".repeat(200);
    expect(() => parse(v.number(), text)).toThrow(/got `"x{90,96}…`$/);
  });
});
