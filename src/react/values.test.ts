import { describe, expect, test } from "vitest";
import { describeValue, parseTyped, preview, toJson } from "./values.js";

const bytes = (...values: number[]) => new Uint8Array(values).buffer;

describe("describeValue", () => {
  test.each([
    [1n << 60n, "bigint", "1152921504606846976n"],
    [-0, "number", "-0"],
    [NaN, "number", "NaN"],
    [-Infinity, "number", "-Infinity"],
    [true, "boolean", "true"],
    [null, "null", "null"],
    [undefined, "null", "null"],
    ["<b>", "string", "<b>"],
    [bytes(), "bytes", "0 bytes"],
    [bytes(0, 255), "bytes", "2 bytes: 00 ff"],
  ])("%s is a leaf", (value, type, text) => {
    expect(describeValue(value)).toEqual({ kind: "leaf", type, text });
  });

  test("shows only the first bytes", () => {
    const { text } = describeValue(new ArrayBuffer(1 << 20)) as {
      text: string;
    };
    expect(text).toMatch(/^1,048,576 bytes: 00 .*00 …$/);
    expect(text.length).toBeLessThan(130);
  });
});

describe("preview", () => {
  test.each([
    [{ a: 1, b: ["x", 2n], c: {} }, '{ a: 1, b: ["x", 2n], c: {} }'],
    [[], "[]"],
    ["two\nlines", '"two\\nlines"'],
  ])("of %o", (value, text) => {
    expect(preview(value)).toBe(text);
  });

  test("reads only the part that it shows", () => {
    let read = 0;
    const values = new Proxy(new Array(100_000).fill(1), {
      get: (target, key, receiver) => {
        read++;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    expect(preview([values, values], 40)).toHaveLength(41);
    expect(read).toBeLessThan(100);
    expect(preview("x".repeat(1e6), 40)).toHaveLength(41);
    expect(preview({ ["k".repeat(1e6)]: 1 }, 40)).toHaveLength(41);
  });

  test("ends for a value of any depth", () => {
    let deep: unknown = 1;
    for (let at = 0; at < 20_000; at++) deep = { d: deep };
    expect(preview(deep)).toContain("…");
  });
});

test("JSON keeps integers and bytes, and parses back to them", () => {
  const value = { big: 5n, bytes: bytes(1, 2), text: "<i>", not: NaN };
  expect(parseTyped(toJson(value))).toEqual({ value });
  expect(toJson(undefined)).toBe("null");
});

test("a typed value may be absent, and invalid JSON is a problem", () => {
  expect(parseTyped("  ")).toEqual({ value: undefined });
  expect(parseTyped("{ a: 1 }")).toEqual({
    problem: expect.stringContaining("JSON") as string,
  });
  expect(parseTyped('{"$odd": 1}')).toEqual({
    problem: expect.any(String) as string,
  });
});
