import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { messageOf } from "./errors.js";

test.each([
  [
    "an error with its stack",
    new Error(
      "[CONVEX Q(console:listRuns)] [Request ID: 1a] Server Error\nUncaught Error: Not for you\n    at f (x.ts:1:2)\n\n  Called by client",
    ),
    "Error: Not for you",
  ],
  [
    "an error that a production deployment hides",
    new Error("[CONVEX Q(console:listRuns)] [Request ID: 1a] Server Error"),
    "",
  ],
  [
    "a ConvexError with a message",
    new ConvexError({ code: "A", message: "No." }),
    "No.",
  ],
  ["a ConvexError with a text", new ConvexError("No."), "No."],
  ["a text", "odd", "odd"],
  ["null", null, "null"],
])(
  "of %s, messageOf shows what a person should read",
  (_name, error, message) => {
    expect(messageOf(error)).toBe(message);
  },
);
