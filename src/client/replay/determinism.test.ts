import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
import {
  drain,
  effects,
  endings,
  journal,
  newBackend,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import type { WorkflowCtx } from "../index.js";

useBackend();
listenToConsole();

const echo = (step: WorkflowCtx, value: unknown, options?: object) =>
  step.runMutation(steps.echo, { value }, options);

/** Returns a handler whose code changes after its first turn. */
const changing = (before: Handler, after: Handler): Handler =>
  (() => {
    let turns = 0;
    return (step, input) => (turns++ === 0 ? before : after)(step, input);
  })();

async function failureOf(t: Backend, handler: Handler) {
  const { status, workflowId } = await runHandler(t, handler, { context: 1 });
  expect(status.type).toBe("failed");
  expect(await endings(t)).toHaveLength(1);
  const { error } = status as { error: string };
  return { error: error.replaceAll(workflowId, "<id>"), workflowId };
}

const HELD = 'The journal holds: mutation "steps:echo"';
const inTurn =
  (...values: unknown[]): Handler =>
  async (step) => {
    const results: unknown[] = [];
    for (const value of values) results.push(await echo(step, value));
    return results;
  };
const atOnce =
  (...names: string[]): Handler =>
  (step) =>
    Promise.all(names.map((name) => echo(step, 1, { name })));
const unstable =
  (name: string): Handler =>
  (step) =>
    echo(step, 1, { name, unstableArgs: true });

// Each difference between two requests is tested in divergence.test.ts.
describe("a handler that asks for a step other than the recorded one fails the run with a readable error", () => {
  test.each<[string, Handler, Handler, string]>([
    [
      "another function",
      inTurn(1),
      (step) => step.runMutation(steps.fail, { message: "x" }),
      `0: the name differs.\n  ${HELD}\n  The handler asked for: mutation "steps:fail"\n`,
    ],
    [
      "other arguments, even if it catches everything",
      inTurn({ of: ["a", "b"] }),
      (step) => echo(step, { of: ["a", "c"] }).catch(() => "caught"),
      `0: the value of args.value.of[1] differs.\n  ${HELD} with args.value.of[1] = "b"\n`,
    ],
    [
      "nothing, and returns",
      inTurn(1),
      async () => "done",
      `0: a step is missing.\n  ${HELD}\n  The handler returned without asking for it.\n`,
    ],
    [
      "nothing, and waits",
      inTurn(1),
      () => new Promise(() => undefined),
      `0: a step is missing.\n  ${HELD}\n  The handler is blocked without asking for it.\n`,
    ],
    [
      "steps in another order",
      atOnce("a", "b"),
      atOnce("b", "a"),
      "0: the name differs.",
    ],
    [
      "another name, though its arguments may differ",
      unstable("a"),
      unstable("b"),
      "0: the name differs.",
    ],
  ])("%s", async (_what, before, after, difference) => {
    const { error } = await failureOf(newBackend(), changing(before, after));
    expect(error).toContain(
      `Determinism violation in workflow <id> at step ${difference}`,
    );
    expect(error).toMatch(/Was its code changed.*restart the run/s);
  });

  test("at a later step, and the whole turn is rolled back", async () => {
    const t = newBackend();
    const after: Handler = async (step) => {
      await echo(step, 1);
      await echo(step, "inline", { inline: true });
      await echo(step, "other").catch(() => undefined);
    };
    const before: Handler = (step) =>
      Promise.all([echo(step, 1), step.sleep(1)]);
    const { error, workflowId } = await failureOf(t, changing(before, after));
    expect(error).toContain("at step 1: the kind differs.");
    expect(await effects(t)).toEqual([1]);
    expect(await journal(t, workflowId)).toHaveLength(2);
  });
});

describe("a run continues", () => {
  test.each<[string, Handler, unknown]>([
    [
      "if its changed code asks for more steps than before",
      changing(inTurn(1), inTurn(1, 2)),
      [1, 2],
    ],
    [
      "if fields are in another order, undefined or NaN",
      changing(
        inTurn({ a: 1, b: NaN }),
        inTurn({ c: undefined, b: NaN, a: 1 }),
      ),
      [{ a: 1, b: NaN }],
    ],
    [
      "if its handler is not an async function",
      (step) =>
        echo(step, 1).then(() =>
          step.runWorkflow(workflows.workflow, { handler: "child" }),
        ),
      "child",
    ],
    [
      "if what its handler waits for settles by itself",
      async (step) => {
        const value = await Promise.resolve(1).then(async (n) => {
          for (let hop = 0; hop < 1000; hop++) await Promise.resolve();
          return n + 1;
        });
        return await echo(step, value);
      },
      2,
    ],
  ])("%s", async (_what, handler, result) => {
    script("handler", "child", () => Promise.resolve("child"));
    const { status } = await runHandler(newBackend(), handler);
    expect(status).toEqual(completed(result));
  });

  test("if arguments are unstable, and the step ran with those of the first execution", async () => {
    const t = newBackend();
    let n = 0;
    const unstableArgs = { unstableArgs: true };
    const { status } = await runHandler(t, async (step) => {
      const a = await echo(step, ++n, unstableArgs);
      const args = { value: ++n };
      const b = await step.runAction(steps.echoAction, args, unstableArgs);
      await step.sleep(1);
      return [a, b, n > 4];
    });
    expect(status).toMatchObject({ result: [1, 3, true] });
    expect(await effects(t)).toEqual([1]);
  });
});

describe("a handler that waits for something that is not a step", () => {
  const never = () => new Promise(() => undefined);

  test("fails the run in its first turn with an error that says how to fix it", async () => {
    const t = newBackend();
    const id = await startHandler(t, never);
    const text =
      /handler of workflow \S+ waits for something that is not a step.*Await only steps/;
    expect(await statusOf(t, id)).toEqual(failed(expect.stringMatching(text)));
  });

  test("with a step in flight fails when that step completes", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      void echo(step, 1);
      await never();
    });
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await effects(t)).toEqual([1]);
  });
});
