import { expect, test } from "vitest";
import type { Run, Step } from "./types.mjs";
import { fit, layout, paint, share, shorten } from "./view.mjs";

const NOW = 100_000;

let ids = 0;
function step(number: number, name: string, more: Partial<Step> = {}): Step {
  return {
    ...{ id: `${ids++}`, number, name, kind: "function", startedAt: NOW - 500 },
    steps: [],
    ...more,
  };
}
const done = (returnValue: unknown = null): Partial<Step> => ({
  completedAt: NOW - 200,
  result: { kind: "success", returnValue },
});

function run(label: string, more: Partial<Run> = {}): Run {
  return {
    ...{ label, note: `${label}'s note`, state: "inProgress" },
    ...{ workflowId: label, startedAt: NOW - 1000, steps: [] },
    ...more,
  };
}

const screen = {
  ...{ width: 100, height: 40, now: NOW, beganAt: NOW - 2000 },
  endsAt: Infinity,
  ...{ selected: 0, hasKeys: true, message: "" },
};

const textOf = (runs: Run[], more: Partial<typeof screen> = {}) =>
  layout(runs, { ...screen, ...more }).map((line) => paint(line, false));

test("a run has one line with its state, progress and time, and one for each step", () => {
  const lines = textOf([
    run("first", {
      steps: [
        step(0, "flaky", { ...done("ok"), attempt: 2, maxAttempts: 4 }),
        step(1, "child", {
          kind: "workflow",
          steps: [step(0, "inner", done()), step(1, "nap", { kind: "sleep" })],
        }),
        step(2, "decision", { kind: "event" }),
      ],
    }),
    run("second", { state: "queued", workflowId: undefined }),
  ]);
  expect(lines.slice(1, 9)).toEqual([
    "> ▶ first                 ███░░░░░░░ 1/3       1.00 s  in progress",
    "      first's note",
    '      ✓ 0 flaky  attempt 2 of 4  0.30 s  success, "ok"',
    "      ▶ 1 child  0.50 s  child running",
    "         ✓ 0 inner  0.30 s  success",
    "         z 1 nap  0.50 s  sleeping",
    "      ? 2 decision  0.50 s  waiting for this event",
    "  · second                ░░░░░░░░░░                   not started yet",
  ]);
});

test("a waiting run shows which key answers and when the demo does, and an ended run shows its result", () => {
  const [, waiting, , completed, , failed] = textOf([
    run("a", { answer: "approve", answersAt: NOW + 3500 }),
    run("b", {
      ...{ state: "completed", result: 7, endedAt: NOW, asExpected: true },
    }),
    run("c", {
      ...{ state: "failed", error: "No", endedAt: NOW, asExpected: false },
    }),
  ]);
  expect(waiting).toContain("press a to approve, or wait 4 s");
  expect(completed).toMatch(/✓ b .*completed, 7$/);
  expect(failed).toMatch(/✗ c .*failed, No {2}\(not expected\)$/);
});

test("a race's losing steps aren't shown as running after the run has ended", () => {
  const lines = textOf([
    run("race", {
      ...{ state: "completed", endedAt: NOW, steps: [step(0, "loser")] },
    }),
  ]);
  expect(lines.join("\n")).toContain("in flight when the run ended");
});

test("the last lines show the total progress, the last action and the keys", () => {
  const runs = [
    run("a", { endedAt: NOW, state: "completed" }),
    run("b", { steps: [step(0, "x", done()), step(1, "y")] }),
  ];
  const lines = textOf(runs, { message: "b: canceled", width: 60 });
  expect(lines.slice(-3)).toEqual([
    expect.stringMatching(/^1 of 2 runs ended, 1 of 2 steps █+░+$/),
    "b: canceled",
    expect.stringContaining("c cancel"),
  ]);
  expect(textOf([runs[0]!], { endsAt: NOW + 2100 }).at(-1)).toMatch(
    /ends in 3 s.*r restart/,
  );
  expect(textOf(runs, { hasKeys: false }).join()).not.toContain("c cancel");
});

test("in a terminal of any size, everything fits and the selected run is visible", () => {
  const runs = Array.from({ length: 14 }, (_, index) =>
    run(`run ${index}`, {
      state: index % 3 === 0 ? "completed" : "inProgress",
      endedAt: index % 3 === 0 ? NOW : undefined,
      result: "a long\nresult ".repeat(20),
      steps: Array.from({ length: index * index }, (_, number) =>
        step(number, "some step", number % 2 ? done("x".repeat(300)) : {}),
      ),
    }),
  );
  for (const height of [5, 8, 18, 24, 200])
    for (const width of [10, 80, 200])
      for (const selected of [0, 7, 13]) {
        const lines = textOf(runs, { height, width, selected });
        expect(lines.length).toBeLessThanOrEqual(height);
        for (const line of lines)
          expect([...line].length).toBeLessThanOrEqual(width);
        expect(lines.join("\n")).not.toMatch(/\r/);
        const chosen = lines.filter((line) => line.startsWith("> "));
        expect(chosen).toHaveLength(1);
        if (width > 40) expect(chosen[0]).toContain(`run ${selected} `);
      }
});

test("80 by 24 shows every run of the demo with its result, and steps of the selected one", () => {
  const runs = Array.from({ length: 15 }, (_, index) =>
    run(`run ${index}`, {
      answer: "answer the question",
      answersAt: NOW,
      steps: [step(0, "question", { kind: "event" })],
    }),
  );
  const text = textOf(runs, { width: 80, height: 24 });
  expect(text.join("\n").match(/press a to answer the quest/g)).toHaveLength(
    15,
  );
  expect(text.join("\n")).toContain("? 0 question");
});

test("the selected run gets most of the room, then runs in progress, then ended ones", () => {
  const wants = 20;
  const of = (...ranks: number[]) => ranks.map((rank) => ({ wants, rank }));
  expect(share(of(0, 1, 1, 2), 12)).toEqual([8, 2, 2, 0]);
  expect(share(of(1, 0), 60)).toEqual([20, 20]);
  expect(share(of(0, 2), 30)).toEqual([20, 10]);
  expect(share(of(1, 1, 1), 2)).toEqual([1, 1, 0]);
  expect(share([], 5)).toEqual([]);
});

test("if not all steps fit, steps in flight are kept first, then the last ones", () => {
  const details = [0, 1, 2, 3, 4, 5].map((number) => ({
    line: [{ text: `${number}` }],
    matters: number === 1,
  }));
  const texts = (room: number) =>
    shorten(details, room).map((line) => paint(line, false).trim());
  expect(texts(6)).toEqual(["0", "1", "2", "3", "4", "5"]);
  expect(texts(4)).toEqual(["… 3 more", "1", "4", "5"]);
  expect(texts(1)).toEqual(["… 6 more"]);
  expect(texts(0)).toEqual([]);
});

test("a line that is too wide is cut, even if its colors change there", () => {
  const line = [{ text: "abc" }, { text: "def", style: "red" as const }];
  expect(paint(fit(line, 5), false)).toBe("abcd…");
  expect(paint(fit(line, 3), false)).toBe("abc");
  expect(paint(fit(line, 6), true)).toBe("abc\x1b[31mdef\x1b[0m");
  expect(paint(fit([{ text: "a\nb" }], 9), false)).toBe("a b");
});
