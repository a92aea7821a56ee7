import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { describeFailure } from "../../shared/failures.js";
import {
  drain,
  effects,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import { expectStorableRows } from "../../testing/storable.js";
import type { WorkflowCtx } from "../index.js";

useBackend();
listenToConsole();

const withMessage = (message: unknown) =>
  Object.assign(new Error("replaced"), { message });
const circular: Record<string, unknown> = {};
circular["self"] = circular;
const throwing = {
  get message(): string {
    throw new Error("in a getter");
  },
};
const { proxy, revoke } = Proxy.revocable({}, {});
revoke();
const HALF = "half \ud800";

const thrown: [string, unknown, string | RegExp][] = [
  ["a string", "text", "text"],
  ["null", null, "null"],
  ["undefined", undefined, "undefined"],
  ["a number", 5, "5"],
  ["a symbol", Symbol("mine"), "Symbol(mine)"],
  ["an object", { code: 5 }, '{"code":5}'],
  [
    "an object without a prototype",
    Object.assign(Object.create(null), { code: 5 }),
    '{"code":5}',
  ],
  ["an array", [{ code: 5 }], '[{"code":5}]'],
  ["an object that refers to itself", circular, /can't be shown/],
  ["an object whose fields throw", throwing, /can't be shown/],
  ["a proxy of nothing", proxy, /can't be shown/],
  [
    "an Error whose message is an object",
    withMessage({ code: 5 }),
    '{"code":5}',
  ],
  ["an Error whose message is null", withMessage(null), "null"],
  ["an Error without a message", new TypeError(), "TypeError"],
  ["half a character", new Error(HALF), "half \ufffd"],
];

describe("a handler's error of any kind fails the run with a readable message:", () => {
  test.each(thrown)("%s", async (_what, value, text) => {
    const t = newBackend();
    const { status } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      throw value;
    });
    expect(status).toEqual(
      failed(typeof text === "string" ? text : expect.stringMatching(text)),
    );
    expect(await effects(t)).toEqual([1]);
  });

  const unstorable: [string, unknown][] = [
    ["a Date", new Date(0)],
    ["a function", () => 1],
    ["a Map", new Map([[1, 2]])],
    ["an object that refers to itself", circular],
    ["an object with such a field", { at: new Date(0) }],
    ["half a character", HALF],
  ];
  test.each(unstorable)(
    "a ConvexError with data that can't be stored: %s",
    async (_what, data) => {
      const t = newBackend();
      const error = Object.assign(new ConvexError("why"), { data });
      expect(describeFailure(error)).toEqual({ error: error.message });
      const { status } = await runHandler(t, async () => {
        throw Object.assign(new ConvexError("why"), { data });
      });
      expect(status).toEqual(failed("why"));
    },
  );
});

describe("half of a character (a lone surrogate), which Convex can't store,", () => {
  test.each<[string, (step: WorkflowCtx) => Promise<unknown>, RegExp, number]>([
    [
      "arguments fails the step",
      (step) => step.runMutation(steps.echo, { value: ["ok", HALF] }),
      /arguments of step "steps:echo" can't be stored: it holds .*half a character/,
      1,
    ],
    [
      "name rejects the call",
      (step) => step.sleep(1, { name: HALF }),
      /^The name "half \ufffd" holds half a character/,
      0,
    ],
    [
      "result fails the step",
      (step) =>
        step.runMutation(steps.mutation, { name: "half" }, { inline: true }),
      /half a character/,
      1,
    ],
  ])("in a step's %s", async (_what, run, error, recorded) => {
    const t = newBackend();
    script("mutation", "half", () => HALF);
    const { status, workflowId } = await runHandler(t, (step) =>
      run(step).catch(({ message }: Error) => message),
    );
    expect(status).toHaveProperty("result", expect.stringMatching(error));
    expect(await journal(t, workflowId)).toHaveLength(recorded);
    expect(await effects(t)).toEqual([]);
    await expectStorableRows(t);
  });

  test("in the return value fails the run, with an error that says so", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, async () => ({ text: HALF }));
    expect(status).toMatchObject({
      type: "failed",
      error: expect.stringContaining("half a character") as string,
    });
  });

  test("leaves whole characters accepted", async () => {
    const t = newBackend();
    const { status } = await runHandler(t, (step) =>
      step.runMutation(steps.echo, { value: "😀" }, { name: "😀" }),
    );
    expect(status).toEqual(completed("😀"));
  });
});

test("arguments with holes are compared as they are stored", async () => {
  const t = newBackend();
  const id = await startHandler(t, async (step) => {
    // eslint-disable-next-line no-sparse-arrays
    const value = { list: [1, , 3], inner: [[,]] };
    const first = await step.runMutation(steps.echo, { value });
    const second = await step.runQuery(steps.echoQuery, { value });
    return [first, second];
  });
  await drain();
  const stored = { list: [1, null, 3], inner: [[null]] };
  expect(await statusOf(t, id)).toEqual(completed([stored, stored]));
  const [row] = await journal(t, id);
  expect(row!.step.args).toEqual({ value: stored });
});
