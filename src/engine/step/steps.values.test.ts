import { describe, expect, test } from "vitest";
import { MAX_RESULT_BYTES, MAX_VALUE_NESTING } from "../../shared/limits.js";
import { recordingProblem } from "../../shared/storable.js";
import {
  components,
  drain,
  effects,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import { expectStorableRows, nested, textOf } from "../../testing/storable.js";
import {
  call,
  caught,
  KiB,
  kinds,
  MiB,
  scriptValue,
} from "../../testing/values.js";
import { sendEvent, type WorkflowCtx } from "../../client/index.js";

useBackend();
listenToConsole();

describe.each(kinds)("a %s's return value", (_kind, run) => {
  test("of 800 KiB is delivered", async () => {
    const t = newBackend();
    const text = textOf(MAX_RESULT_BYTES);
    scriptValue(() => text);
    const { status } = await runHandler(t, async (step) =>
      ((await run(step)) as string) === text ? "same" : "other",
    );
    expect(status).toEqual(completed("same"));
    await expectStorableRows(t);
  });

  test("over 800 KiB fails the step with an error that gives its size, the maximum and its beginning", async () => {
    scriptValue(() => "begin" + textOf(MAX_RESULT_BYTES + 1 - 5));
    const error = await caught(newBackend(), run);
    expect(error).toMatch(/return value of step "\S+" is too large/);
    expect(error).toContain(`${MAX_RESULT_BYTES + 1} bytes`);
    expect(error).toContain(`${MAX_RESULT_BYTES} bytes`);
    expect(error).toContain('"beginxxx');
  });

  test("nested too deep for a document fails the step", async () => {
    scriptValue(() => nested(MAX_VALUE_NESTING + 1));
    const error = await caught(newBackend(), run);
    expect(error).toMatch(/return value.*nested more than 13 levels/);
  });

  test("nested as deep as a document holds is delivered", async () => {
    const t = newBackend();
    scriptValue(() => nested(MAX_VALUE_NESTING));
    const { status } = await runHandler(t, async (step) => await run(step));
    expect(status).toEqual(completed(nested(MAX_VALUE_NESTING)));
    await expectStorableRows(t);
  });
});

test.each([
  ["plain text", textOf(MAX_RESULT_BYTES + 1)],
  ["text of two bytes a character", "é".repeat(MAX_RESULT_BYTES)],
  ["text of four bytes a character", "a" + "😀".repeat(MAX_RESULT_BYTES / 2)],
  ["text to be escaped", "\n\u0001".repeat(MAX_RESULT_BYTES)],
  ["many small values", new Array(8192).fill("y".repeat(200))],
  ["bytes", new Uint8Array(MAX_RESULT_BYTES + 1).buffer],
  ["big integers", { big: 1n, text: textOf(MAX_RESULT_BYTES) }],
])(
  "the preview of an oversized value takes 16 KiB at most: %s",
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

describe("an event's value", () => {
  test("alone may be 800 KiB, and over that its send is refused", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await step.awaitEvent({ name: "news" });
      return "came";
    });
    const send = (size: number) =>
      t.mutation((ctx) =>
        sendEvent(ctx, components.workflow, {
          workflowId: id,
          name: "news",
          value: textOf(size),
        }),
      );
    await expect(send(MAX_RESULT_BYTES + 1)).rejects.toThrow(
      /value of event "news" is too large: 819201 bytes, the maximum is 819200/,
    );
    await send(MAX_RESULT_BYTES);
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("came"));
    await expectStorableRows(t);
  });
});

describe("a journal over 8 MiB fails the run with an error that names run, both sizes and the step", () => {
  const expectTooLarge = async (
    t: Backend,
    handler: (step: WorkflowCtx) => Promise<unknown>,
  ) => {
    const { workflowId, status } = await runHandler(t, handler, { context: 1 });
    if (status.type !== "failed") throw new Error(JSON.stringify(status));
    const found =
      /The journal of workflow (\S+) is too large: (\d+) bytes at step (\d+) "(\S+)", the maximum is (\d+) bytes/.exec(
        status.error,
      );
    const [run, size, stepNumber, name, max] = found!.slice(1);
    expect(run).toBe(workflowId);
    expect(Number(max)).toBe(8 * MiB);
    expect(Number(size)).toBeGreaterThan(8 * MiB);
    expect(Number(size)).toBeLessThan(9.1 * MiB);
    return { stepNumber: Number(stepNumber), name };
  };

  test("of results of steps one after another", async () => {
    const t = newBackend();
    const ran = scriptValue(() => textOf(700 * KiB));
    const at = await expectTooLarge(t, async (step) => {
      for (let n = 0; n < 20; n++) await step.runAction(steps.action, call);
    });
    expect(at).toEqual({ stepNumber: 11, name: "steps:action" });
    expect(ran.count).toBe(12);
  });

  test("of results of steps in parallel", async () => {
    const t = newBackend();
    scriptValue(() => textOf(700 * KiB));
    await expectTooLarge(t, (step) =>
      Promise.all(
        Array.from({ length: 13 }, () => step.runAction(steps.action, call)),
      ),
    );
  });

  test("of arguments", async () => {
    const t = newBackend();
    const ran = scriptValue(() => null);
    const input = textOf(700 * KiB);
    const at = await expectTooLarge(t, async (step) => {
      for (let n = 0; n < 20; n++)
        await step.runMutation(steps.mutation, { ...call, input });
    });
    expect(at).toEqual({ stepNumber: 11, name: "steps:mutation" });
    expect(ran.count).toBe(11);
  });

  test("of inline steps", async () => {
    const t = newBackend();
    scriptValue(() => textOf(700 * KiB));
    const at = await expectTooLarge(t, async (step) => {
      for (let n = 0; n < 20; n++)
        await step.runMutation(steps.mutation, call, { inline: true });
    });
    expect(at.stepNumber).toBe(11);
  });

  test("and one just below continues", async () => {
    const t = newBackend();
    scriptValue(() => textOf(700 * KiB));
    const { status } = await runHandler(t, async (step) => {
      for (let n = 0; n < 11; n++) await step.runAction(steps.action, call);
      return "done";
    });
    expect(status).toEqual(completed("done"));
  });
});

test("effects of steps that ran stay, whatever happens to their results", async () => {
  const t = newBackend();
  script("mutation", "value", async (ctx) => {
    await ctx.db.insert("effects", { key: "large", value: 1 });
    return textOf(MAX_RESULT_BYTES + 1);
  });
  await caught(t, (step) => step.runMutation(steps.mutation, call));
  expect(await effects(t)).toEqual([1, "went on"]);
});
