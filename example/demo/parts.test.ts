import { expect, test } from "vitest";
import { keysIn } from "./keys.mjs";
import { parseOptions, usage } from "./options.mjs";
import { isAsExpected } from "./runner.mjs";
import { scenarioNames, scenarios } from "./scenarios.mjs";
import { summaryOf, summaryText } from "./summary.mjs";
import type { Run } from "./types.mjs";

const options = (...argv: string[]) => parseOptions(argv, ["race", "batch"]);

test("the command line sets the options", () => {
  expect(options()).toEqual({
    ...{ names: [], plain: false, json: false, fail: false, help: false },
  });
  expect(options("race", "--plain", "batch")).toMatchObject({
    ...{ names: ["race", "batch"], plain: true },
  });
});

test("an unknown name or option fails with a list of the known ones", () => {
  expect(() => options("rase")).toThrow(
    'There is no workflow "rase". These exist: race, batch',
  );
  expect(() => options("--loud")).toThrow("--loud");
  expect(usage(["race", "batch"])).toContain("race, batch");
});

test("every workflow of the example has a scenario", () => {
  expect(scenarioNames).toEqual([
    ...["example", "onboarding", "approval", "signals", "fanOut"],
    ...["transcription", "booking", "subscription", "race", "trip", "batch"],
  ]);
  const labels = scenarios().map(({ label }) => label);
  expect(new Set(labels).size).toBe(labels.length);
});

test("keys are recognized, including several at once and unknown ones", () => {
  expect(keysIn("a")).toEqual(["answer"]);
  expect(keysIn("\x1b[B\x1b[Ac\x1bOBr")).toEqual([
    ...["down", "up", "cancel", "down", "restart"],
  ]);
  expect(keysIn("x\x1b[5~é\x1b[1;5C\r")).toEqual([]);
  expect(keysIn("q\x03\x04")).toEqual(["quit", "quit", "quit"]);
});

test("a run must end as its scenario says, but after a key press it must only not fail", () => {
  const expected = { type: "completed", result: { total: 360 } };
  const completed = (result: unknown) =>
    ({ type: "completed", result }) as const;
  const check = (status: Parameters<typeof isAsExpected>[0], touched = false) =>
    isAsExpected(status, expected, touched);
  expect(check(completed({ total: 360, more: 1 }))).toBe(true);
  expect(check(completed({ total: 361 }))).toBe(false);
  expect(check(completed(null))).toBe(false);
  expect(check({ type: "canceled" })).toBe(false);
  expect(check({ type: "canceled" }, true)).toBe(true);
  expect(check(completed("otherwise"), true)).toBe(true);
  expect(check({ type: "failed", error: "No" }, true)).toBe(false);
  expect(isAsExpected(completed([1, 2]), { result: [1] }, false)).toBe(false);
});

test("the summary counts steps and retries, and lists unexpected results", () => {
  const run: Run = {
    ...{ label: "a", note: "", state: "completed", workflowId: "w" },
    ...{ startedAt: 0, endedAt: 1500, asExpected: true },
    steps: [
      {
        ...{ id: "s", number: 0, name: "n", kind: "function", startedAt: 0 },
        ...{ completedAt: 9, attempt: 3, maxAttempts: 4, steps: [] },
      },
    ],
  };
  const failed: Run = {
    ...{ ...run, label: "b", state: "failed", error: "No" },
    asExpected: false,
  };
  expect(summaryText([run, failed]).split("\n")).toEqual([
    "run  state      steps  retries  took    ended",
    "a    completed  1      2        1.50 s  as expected",
    "b    failed     1      2        1.50 s  NOT as expected",
    "",
    "b: failed, No",
    "1 of 2 runs did not end as expected.",
  ]);
  expect(summaryText([run])).toContain("All runs ended as expected.");
  expect(summaryOf([run])).toMatchObject({ type: "summary", ok: true });
  expect(summaryOf([run, failed])).toMatchObject({ ok: false });
});
