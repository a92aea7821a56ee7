import { ConvexError, type Value } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  maxArgsBytes,
  MAX_OBJECT_FIELDS,
  MAX_RESULT_BYTES,
  MAX_VALUE_NESTING,
} from "../../shared/limits.js";
import { recordingProblem } from "../../shared/storable.js";
import {
  effects,
  newBackend,
  runHandler,
  script,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import { expectStorableRows, nested, textOf } from "../../testing/storable.js";
import {
  callArgs,
  caughtMessage,
  functionKinds,
  scriptSteps,
  stepKinds,
} from "../../testing/values.js";
import type { WorkflowCtx } from "../../client/index.js";
import { KiB, MiB } from "../../testing/units.js";

// Arguments, results and errors of any size and shape leave rows that Convex stores.

useBackend();
listenToConsole();

const fieldsOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]));
const throwing = (error: unknown) => () => {
  throw error;
};

describe.each(stepKinds)("the arguments of a %s", (kind, run) => {
  test.each<[string, Value, RegExp]>([
    [
      "too large for a document",
      textOf(MiB + 100 * KiB),
      /are too large: \d+ bytes, the maximum is \d+ bytes/,
    ],
    [
      "larger than a journal may be",
      textOf(9 * MiB),
      /are too large: \d+ bytes, the maximum is \d+ bytes/,
    ],
    [
      "nested too deep",
      nested(MAX_VALUE_NESTING),
      /can't be stored: .*nested more than 13 levels/,
    ],
    [
      "with too long an array",
      new Array<Value>(8193).fill(0),
      /can't be stored: .*8193 elements, the maximum is 8192/,
    ],
    [
      "with too many fields",
      fieldsOf(MAX_OBJECT_FIELDS + 1),
      /can't be stored: .*1025 fields, the maximum is 1024/,
    ],
  ])("%s fail the step, and it does not run", async (_what, input, message) => {
    const ran = scriptSteps(() => "ran");
    const error = await caughtMessage(newBackend(), (step) =>
      run(step, { input }),
    );
    expect(error).toMatch(new RegExp(`arguments.* ${message.source}`));
    expect(ran.count).toBe(0);
  });

  test("may be as large as a document holds", async () => {
    const t = newBackend();
    scriptSteps(() => kind);
    const input = textOf(900 * KiB);
    const { status } = await runHandler(t, (step) => run(step, { input }));
    expect(status).toEqual(completed(kind));
    await expectStorableRows(t);
  });

  test("don't prevent other steps from running, even in the worst case", async () => {
    scriptSteps(() => kind);
    const input = textOf(2 * MiB);
    const { status } = await runHandler(newBackend(), async (step) => {
      const settled = await Promise.allSettled([
        run(step, { input }),
        run(step),
      ]);
      return settled.map((each) => each.status);
    });
    expect(status).toEqual(completed(["rejected", "fulfilled"]));
  });
});

describe.each(stepKinds)("a %s's return value", (_kind, run) => {
  test.each<[string, Value]>([
    ["of 800 KiB", textOf(MAX_RESULT_BYTES)],
    ["nested as deep as a document holds", nested(MAX_VALUE_NESTING)],
  ])("%s is delivered", async (_what, value) => {
    const t = newBackend();
    scriptSteps(() => value);
    const { status } = await runHandler(t, async (step) =>
      JSON.stringify(await run(step)) === JSON.stringify(value)
        ? "same"
        : "other",
    );
    expect(status).toEqual(completed("same"));
    await expectStorableRows(t);
  });

  test("over 800 KiB fails the step with an error that has its size, the maximum and its beginning", async () => {
    scriptSteps(() => "begin" + textOf(MAX_RESULT_BYTES + 1 - 5));
    const error = await caughtMessage(newBackend(), run);
    expect(error).toMatch(/return value of step "\S+" is too large/);
    expect(error).toContain(`${MAX_RESULT_BYTES + 1} bytes`);
    expect(error).toContain(`${MAX_RESULT_BYTES} bytes`);
    expect(error).toContain('"beginxxx');
  });

  test("nested too deep for a document fails the step", async () => {
    scriptSteps(() => nested(MAX_VALUE_NESTING + 1));
    const error = await caughtMessage(newBackend(), run);
    expect(error).toMatch(/return value.*nested more than 13 levels/);
  });
});

describe.each(functionKinds)("a %s's", (kind, run) => {
  const most = maxArgsBytes(kind.split(" ").at(-1));

  test.each<[string, { input?: number; body: () => unknown; error: RegExp }]>([
    [
      "arguments and result that are together over a document's size fail it",
      {
        input: 700 * KiB,
        body: () => textOf(700 * KiB),
        error:
          /return value.*too large to be kept beside its arguments: 716800 bytes.*maximum together/,
      },
    ],
    [
      "oversized result is reported beside large arguments",
      {
        input: 960 * KiB,
        body: () => "😀".repeat(300 * KiB),
        error: /too large/,
      },
    ],
    [
      "very long error is shortened, and says so",
      {
        body: throwing(new Error("begin " + "e".repeat(3 * MiB))),
        error: /^begin eee(?=.{0,16375}$).*\d+ characters, cut to \d+/,
      },
    ],
    [
      "error is cut between characters",
      { body: throwing(new Error("😀".repeat(MiB))), error: /^😀/ },
    ],
    [
      "error is cut between characters at an odd place",
      { body: throwing(new Error("a" + "😀".repeat(MiB))), error: /^a😀/ },
    ],
    [
      "error is shortened to fit beside arguments that nearly fill the row",
      {
        input: most - 20 * KiB,
        body: throwing(new Error("why ".repeat(20_000))),
        error: /^why why/,
      },
    ],
    [
      "error is shortened to fit beside arguments that fill the row",
      {
        input: most - 100,
        body: throwing(new Error("why ".repeat(20_000))),
        error: /^why why/,
      },
    ],
    [
      "error whose data doesn't fit beside the arguments loses its data, not its text",
      {
        input: 800 * KiB,
        body: throwing(new ConvexError(textOf(300 * KiB))),
        error: /^xxx.*cut to/,
      },
    ],
    [
      "error whose data no document can hold loses its data",
      { body: throwing(new ConvexError(nested(20))), error: /^\[\[/ },
    ],
  ])("%s", async (_what, { input, body, error }) => {
    scriptSteps(body);
    const args = input ? { input: textOf(input) } : {};
    expect(
      await caughtMessage(newBackend(), (step) => run(step, args)),
    ).toMatch(error);
  });
});

test.each<[string, () => unknown, RegExp]>([
  [
    "return value too large for a document",
    () => textOf(2 * MiB),
    /too large: \d+ bytes/,
  ],
  ["return value too deep", () => nested(20), /can't be stored: .*nested/],
  [
    "return value that is no Convex value",
    () => new Date(0),
    /the value is a Date, which Convex can't store/,
  ],
  [
    "return value with a function inside",
    () => [() => 1],
    /\[0\] is a function/,
  ],
  [
    "very long error",
    throwing(new Error("begin " + "😀".repeat(MiB))),
    /^begin (?=[^]{0,40000}$)/,
  ],
])(
  "a handler's %s fails the run with a clear error, at once and after a turn",
  async (_what, handler, why) => {
    const t = newBackend();
    const errors: string[] = [];
    for (const sleeps of [false, true]) {
      const { status, workflowId } = await runHandler(t, async (step) => {
        if (sleeps) await step.sleep(1);
        return handler();
      });
      expect(status).toEqual(failed(expect.stringMatching(why)));
      const { error } = status as { error: string };
      errors.push(error.replaceAll(workflowId, "<id>"));
    }
    await expectStorableRows(t);
    expect(errors[1]).toBe(errors[0]);
  },
);

test.each<[string, () => unknown, RegExp]>([
  ["long error", throwing(new Error("why ".repeat(20_000))), /^why why/],
  ["oversized return value", () => textOf(MiB), /is too large.*begins/],
])(
  "a %s is shortened to fit if the run's arguments fill its row",
  async (_what, result, message) => {
    const t = newBackend();
    const input = textOf(maxArgsBytes(undefined) - 200);
    const { status } = await runHandler(t, async () => result(), { input });
    expect(status).toEqual(failed(expect.stringMatching(message)));
    await expectStorableRows(t);
  },
);

test.each([
  ["plain text", textOf(MAX_RESULT_BYTES + 1)],
  ["text of two bytes a character", "é".repeat(MAX_RESULT_BYTES)],
  ["text of four bytes a character", "a" + "😀".repeat(MAX_RESULT_BYTES / 2)],
  ["text to be escaped", "\n\u0001".repeat(MAX_RESULT_BYTES)],
  ["many small values", new Array(8192).fill("y".repeat(200))],
  ["bytes", new Uint8Array(MAX_RESULT_BYTES + 1).buffer],
  ["big integers", { big: 1n, text: textOf(MAX_RESULT_BYTES) }],
])(
  "the preview of an oversized value takes at most 16 KiB: %s",
  (_what, value) => {
    const error = recordingProblem("The return value", value)!;
    const preview = /It begins: ([^]*)$/.exec(error)![1]!;
    expect(preview.length).toBeGreaterThan(10);
    expect(new TextEncoder().encode(preview).length).toBeLessThanOrEqual(
      16 * KiB,
    );
    expect(preview).not.toMatch(/\p{Surrogate}/u);
  },
);

describe("a journal over 8 MiB fails the run with an error that has the run, both sizes and the step", () => {
  const large = textOf(700 * KiB);
  const oneByOne =
    (count: number, run: (step: WorkflowCtx) => Promise<unknown>) =>
    async (step: WorkflowCtx) => {
      for (let n = 0; n < count; n++) await run(step);
      return "done";
    };
  const action = (step: WorkflowCtx) => step.runAction(steps.action, callArgs);
  const mutation = (step: WorkflowCtx) =>
    step.runMutation(steps.mutation, { ...callArgs, input: large });
  const inline = (step: WorkflowCtx) =>
    step.runMutation(steps.mutation, callArgs, { inline: true });

  test.each<
    [
      string,
      (step: WorkflowCtx) => Promise<unknown>,
      { result?: null; at?: number; ran?: number },
    ]
  >([
    [
      "results of steps one after another",
      oneByOne(20, action),
      { at: 11, ran: 12 },
    ],
    [
      "results of steps in parallel",
      (step) => Promise.all(Array.from({ length: 13 }, () => action(step))),
      {},
    ],
    ["arguments", oneByOne(20, mutation), { result: null, at: 11, ran: 11 }],
    ["inline steps", oneByOne(20, inline), { at: 11 }],
  ])("of %s", async (_what, handler, { result = large, at, ran }) => {
    const t = newBackend();
    const calls = scriptSteps(() => result);
    const { workflowId, status } = await runHandler(t, handler);
    if (status.type !== "failed") throw new Error(JSON.stringify(status));
    const [, run, size, stepNumber, name, max] =
      /The journal of workflow (\S+) is too large: (\d+) bytes at step (\d+) "(\S+)", the maximum is (\d+) bytes/.exec(
        status.error,
      )!;
    expect(run).toBe(workflowId);
    expect(Number(max)).toBe(8 * MiB);
    expect(Number(size)).toBeGreaterThan(8 * MiB);
    expect(Number(size)).toBeLessThan(9.1 * MiB);
    expect(name).toMatch(/^steps:(action|mutation)$/);
    if (at !== undefined) expect(Number(stepNumber)).toBe(at);
    if (ran !== undefined) expect(calls.count).toBe(ran);
  });

  test("and one just below continues", async () => {
    scriptSteps(() => large);
    const { status } = await runHandler(newBackend(), oneByOne(11, action));
    expect(status).toEqual(completed("done"));
  });
});

test("effects of steps stay, whatever happens to their results", async () => {
  const t = newBackend();
  script("mutation", "value", async (ctx) => {
    await ctx.db.insert("effects", { key: "large", value: 1 });
    return textOf(MAX_RESULT_BYTES + 1);
  });
  await caughtMessage(t, (step) => step.runMutation(steps.mutation, callArgs));
  expect(await effects(t)).toEqual([1, "went on"]);
});
