import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { codeOf, messageOf } from "./errors.js";

test.each([
  [
    new Error(
      "[CONVEX Q(console:listRuns)] [Request ID: 1a] Server Error\nUncaught Error: Not for you\n    at f (x.ts:1:2)\n\n  Called by client",
    ),
    "Error: Not for you",
  ],
  [new Error("[CONVEX Q(console:listRuns)] [Request ID: 1a] Server Error"), ""],
  [new ConvexError({ code: "A", message: "No." }), "No."],
  [new ConvexError("No."), "No."],
  ["odd", "odd"],
  [null, "null"],
])("messageOf(%s) is what a person should read", (error, message) => {
  expect(messageOf(error)).toBe(message);
});

test("codeOf finds the code of a ConvexError, and only there", () => {
  expect(codeOf(new ConvexError({ code: "A", message: "No." }))).toBe("A");
  expect(codeOf(new ConvexError({ code: 1 }))).toBeUndefined();
  expect(codeOf(new ConvexError("A"))).toBeUndefined();
  expect(codeOf(new Error("A"))).toBeUndefined();
  expect(codeOf(null)).toBeUndefined();
});
