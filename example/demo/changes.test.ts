import { expect, test } from "vitest";
import { changesOf } from "./changes.mjs";
import { plainLines } from "./plain.mjs";
import type { Run, Step } from "./types.mjs";

const queued: Run = { label: "a", note: "short", state: "queued", steps: [] };
const started: Run = {
  ...queued,
  ...{ state: "inProgress", workflowId: "w", startedAt: 1000 },
  command: "npx convex run a:start '{}'",
};
const step = (number: number, more: Partial<Step> = {}): Step => ({
  ...{ id: `s${number}`, number, name: `n${number}`, kind: "function" },
  ...{ startedAt: 1100 + number, steps: [] },
  ...more,
});
const ended = (at: number, returnValue: unknown = null): Partial<Step> => ({
  completedAt: at,
  result: { kind: "success", returnValue },
});

/** Returns the printed lines for a run that is read in these states, one after another. */
function printed(...states: Run[]) {
  const lineOf = plainLines(1000);
  const lines: string[] = [];
  states.reduce((before, after) => {
    for (const change of changesOf(before, after, 1400)) {
      const line = lineOf(change);
      if (line !== undefined) lines.push(...line.split("\n"));
    }
    return after;
  });
  return lines.map((line) => line.trim());
}

test("a run's changes are printed from its start to its end", () => {
  const steps = [step(0, { attempt: 1, maxAttempts: 3 })];
  const retried = [step(0, { attempt: 2, maxAttempts: 3 })];
  const done = [
    step(0, { attempt: 2, maxAttempts: 3, ...ended(1500, "x") }),
    step(1, { kind: "sleep" }),
  ];
  const lines = printed(
    queued,
    started,
    { ...started, steps },
    { ...started, steps: retried },
    { ...started, steps: done },
    {
      ...started,
      ...{ steps: done, state: "completed", result: 1, endedAt: 2000 },
      asExpected: true,
    },
  );
  expect(lines).toEqual([
    "0.00 s  a: started (short)",
    "$ npx convex run a:start '{}'",
    "0.10 s  a: step 0 n0: started",
    "0.40 s  a: step 0 n0: attempt 2 of 3",
    "0.10 s  a: step 1 n1: sleeping",
    '0.50 s  a: step 0 n0: success, "x" (took 0.40 s)',
    "1.00 s  a: completed, 1 (took 1.00 s)",
  ]);
});

test("steps that started and ended between two readings are printed in order", () => {
  const steps = [step(0, ended(1300)), step(1, ended(1200)), step(2)];
  const lines = printed(started, { ...started, steps });
  expect(lines.map((line) => line.replace(/.*step /, ""))).toEqual([
    "0 n0: started",
    "1 n1: started",
    "2 n2: started",
    "1 n1: success (took 0.10 s)",
    "0 n0: success (took 0.20 s)",
  ]);
});

test("a nested run's steps are numbered after their parent step", () => {
  const inner = step(0, { id: "inner", steps: [], ...ended(1400) });
  const steps = [step(3, { kind: "workflow", steps: [inner] })];
  const changes = changesOf(started, { ...started, steps });
  expect(changes).toMatchObject([
    { type: "stepStarted", step: "3.0" },
    { type: "stepStarted", step: "3" },
    { type: "stepEnded", step: "3.0", tookMs: 300 },
  ]);
});

test("no change is printed twice", () => {
  const state = { ...started, steps: [step(0, ended(1200)), step(1)] };
  expect(changesOf(state, { ...state })).toEqual([]);
  const over: Run = { ...state, state: "canceled", endedAt: 1300 };
  expect(changesOf(over, { ...over })).toEqual([]);
});

test("a restarted run is reported again", () => {
  const over: Run = { ...started, state: "canceled", endedAt: 1300 };
  const again: Run = { ...started, startedAt: 2000 };
  expect(changesOf(over, again)).toMatchObject([{ type: "runRestarted" }]);
});

test("a run that doesn't end as expected is reported", () => {
  const over: Run = {
    ...started,
    ...{ state: "failed", error: "No", endedAt: 1500, asExpected: false },
  };
  expect(printed(started, over)).toEqual([
    "0.50 s  a: failed, No (took 0.50 s), which was not expected",
  ]);
});

test("in a run with hundreds of steps, most are only counted but failures are printed", () => {
  const steps = Array.from({ length: 300 }, (_, number) =>
    step(number, ended(1500)),
  );
  steps[250] = step(250, {
    completedAt: 1500,
    result: { kind: "failed", error: "No" },
  });
  const lines = printed(started, { ...started, steps });
  expect(lines.length).toBeLessThan(90);
  expect(lines).toContainEqual(expect.stringContaining("n250: failed, No"));
  expect(lines.at(-1)).toContain("300 steps ended, 300 started");
});
