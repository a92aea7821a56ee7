import { expect, test } from "vitest";
import type { ConsoleStep } from "../api.js";
import { attemptLabel, doneOf, kindOf, stateOf } from "./steps.js";

test.each([
  [{ count: 0, inFlight: 0 }, 0],
  [{ count: 7, inFlight: 2 }, 5],
  [{ count: 30, inFlight: "10+" as const }, 20],
  [{ count: 1, inFlight: 3 }, 0],
])("of %o, as many steps are done as aren't in flight", (steps, done) => {
  expect(doneOf(steps)).toBe(done);
});

const attempts = (count: number) =>
  Array.from({ length: count }, () => ({ startedAt: 0 }));

test("attempts are numbered from the first", () => {
  const three = attempts(3);
  expect(attemptLabel({ attempts: three, maxAttempts: 5 }, 1)).toBe(
    "Attempt 2 of 5",
  );
  expect(attemptLabel({ attempts: three }, 0)).toBe("Attempt 1");
  expect(attemptLabel({ attempts: attempts(10), maxAttempts: 10 }, 9)).toBe(
    "Attempt 10 of 10",
  );
});

test("if earlier attempts may not be listed, they are counted from the last", () => {
  const ten = { attempts: attempts(10), maxAttempts: 50 };
  expect(attemptLabel(ten, 9)).toBe("Last attempt");
  expect(attemptLabel(ten, 7)).toBe("2 before the last");
});

test("a step's label is its kind, and its state becomes its result when it ends", () => {
  const step = { kind: "function", attempts: [] } as unknown as ConsoleStep;
  expect(kindOf(step)).toBe("function");
  expect(kindOf({ ...step, functionType: "query" })).toBe("query");
  expect(kindOf({ ...step, kind: "sleep" })).toBe("sleep");
  expect(stateOf({ ...step, state: "queued" })).toBe("queued");
  expect(stateOf({ ...step, state: "done", outcome: "success" })).toBe(
    "succeeded",
  );
  expect(stateOf({ ...step, state: "done" })).toBe("canceled");
});
