import { describe, expect, test } from "vitest";
import type { ConsoleStep } from "../api.js";
import { latestOf, outcomeOf, segmentsOf } from "./segments.js";

const step = (fields: object) =>
  ({
    kind: "function",
    state: "done",
    startedAt: 0,
    attempts: [],
    ...fields,
  }) as unknown as ConsoleStep;

/** Formats a bar, such as `queued 0–5 failed 5–9`. */
const bar = (fields: object, now = 100) =>
  segmentsOf(step(fields), now)
    .map(({ kind, from, to }) => `${kind} ${from}–${to}`)
    .join(" ");

const attempt = (startedAt: number, endedAt?: number, error?: string) => ({
  ...{ startedAt, endedAt, error },
});

describe("a function", () => {
  test.each([
    [
      "is queued until its attempt begins, then runs to its result",
      { completedAt: 9, outcome: "success", attempts: [attempt(4, 9)] },
      "queued 0–4 succeeded 4–9",
    ],
    [
      "shows the backoff between attempts, and each attempt's result",
      {
        ...{ completedAt: 50, outcome: "success" },
        attempts: [attempt(0, 5, "no"), attempt(20, 25, "no"), attempt(40, 50)],
      },
      "failed 0–5 backingOff 5–20 failed 20–25 backingOff 25–40 succeeded 40–50",
    ],
    [
      "that is running reaches until now",
      { state: "running", attempts: [attempt(10)] },
      "queued 0–10 running 10–100",
    ],
    ["that is queued reaches until now", { state: "queued" }, "queued 0–100"],
    [
      "that is scheduled reaches until now, and then until it is due",
      { state: "scheduled", dueAt: 160 },
      "scheduled 0–100 due 100–160",
    ],
    [
      "that is backing off reaches until now, and then until it is due",
      { state: "backingOff", attempts: [attempt(0, 30, "no")], dueAt: 160 },
      "failed 0–30 backingOff 30–100 due 100–160",
    ],
    [
      "is one segment if it has no attempts, such as a step of 0.4",
      { completedAt: 7, outcome: "failed" },
      "failed 0–7",
    ],
    [
      "ends in a canceled segment if it was canceled between attempts",
      { completedAt: 30, outcome: "canceled", attempts: [attempt(0, 5, "no")] },
      "failed 0–5 canceled 5–30",
    ],
    [
      "is visible even if it took no time",
      { completedAt: 0, outcome: "success", attempts: [attempt(0, 0)] },
      "succeeded 0–0",
    ],
  ])("%s", (_title, fields, expected) => {
    expect(bar(fields)).toBe(expected);
  });
});

test.each(["event", "sleep"])("a wait (%s) is shown as a wait", (kind) => {
  expect(bar({ kind, completedAt: 50, outcome: "success" })).toBe(
    "waiting 0–50",
  );
  expect(bar({ kind, completedAt: 50, outcome: "failed" })).toBe("failed 0–50");
  expect(bar({ kind, state: "waiting", dueAt: 500 })).toBe(
    "waiting 0–100 due 100–500",
  );
});

test("a child runs from its start to its end", () => {
  expect(bar({ kind: "workflow", state: "running" })).toBe("running 0–100");
  expect(bar({ kind: "workflow", completedAt: 8, outcome: "success" })).toBe(
    "succeeded 0–8",
  );
});

test("a step that ended without a result was canceled", () => {
  expect(outcomeOf(step({ state: "done" }))).toBe("canceled");
  expect(bar({ state: "done" })).toBe("canceled 0–100");
});

test("segments never overlap or run backwards, even if clocks disagree", () => {
  const times = [0, 3, 50, 120];
  for (const a of times)
    for (const b of times)
      for (const c of times)
        for (const now of times)
          for (const state of ["running", "done"]) {
            const outcome = state === "done" ? "success" : undefined;
            const completedAt = state === "done" ? c : undefined;
            const attempts = [
              { startedAt: a, endedAt: b, error: "no" },
              { startedAt: b },
            ];
            let at = 0;
            for (const { from, to } of segmentsOf(
              step({ state, outcome, completedAt, attempts }),
              now,
            )) {
              expect(from).toBeGreaterThanOrEqual(at);
              expect(to).toBeGreaterThanOrEqual(from);
              at = to;
            }
          }
});

test("a step that is due in years doesn't stretch its run's timeline", () => {
  expect(latestOf(step({ startedAt: 3, dueAt: 1e15 }))).toBe(3);
  expect(latestOf(step({ completedAt: 5 }))).toBe(5);
});
