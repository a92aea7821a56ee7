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
import { completed } from "../../testing/statuses.js";
import { listenToConsole } from "../../testing/managing.js";
import type { WorkflowCtx } from "../index.js";

useBackend();
listenToConsole();

const echo = (step: WorkflowCtx, value: unknown, options?: object) =>
  step.runMutation(steps.echo, { value }, options);

/** A handler whose code is changed between its first turn and the next. */
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

describe("a handler that asks for another step than its journal holds fails the run with a readable error", () => {
  const first: Handler = async (step) => {
    await echo(step, { of: ["a", "b"] });
    await step.sleep(1);
  };
  const others: [string, Handler, string][] = [
    [
      "another name",
      (step) => echo(step, { of: ["a", "b"] }, { name: "renamed" }),
      'the name differs.\n  The journal holds: mutation "steps:echo"\n  The handler asked for: mutation "renamed"\n',
    ],
    [
      "another function",
      (step) => step.runMutation(steps.fail, { message: "x" }),
      'the name differs.\n  The journal holds: mutation "steps:echo"\n  The handler asked for: mutation "steps:fail"\n',
    ],
    [
      "another type of function",
      (step) =>
        step.runAction(
          steps.echoAction,
          { value: { of: ["a", "b"] } },
          { name: "steps:echo" },
        ),
      'the kind differs.\n  The journal holds: mutation "steps:echo"\n  The handler asked for: action "steps:echo"\n',
    ],
    [
      "a sleep",
      (step) => step.sleep(1, { name: "steps:echo" }),
      'the kind differs.\n  The journal holds: mutation "steps:echo"\n  The handler asked for: sleep "steps:echo"\n',
    ],
    [
      "an event",
      (step) => step.awaitEvent({ name: "steps:echo" }),
      'the kind differs.\n  The journal holds: mutation "steps:echo"\n  The handler asked for: event "steps:echo"\n',
    ],
    [
      "a nested workflow",
      (step) => step.runWorkflow(workflows.workflow, { handler: "main" }),
      'the kind differs.\n  The journal holds: mutation "steps:echo"\n  The handler asked for: workflow "workflows:workflow"\n',
    ],
    [
      "other arguments",
      (step) => echo(step, { of: ["a", "c"] }),
      'the value of args.value.of[1] differs.\n  The journal holds: mutation "steps:echo" with args.value.of[1] = "b"\n' +
        '  The handler asked for: mutation "steps:echo" with args.value.of[1] = "c"\n',
    ],
    [
      "nothing, and returns",
      async () => "done",
      'a step is missing.\n  The journal holds: mutation "steps:echo"\n  The handler returned without asking for it.\n',
    ],
    [
      "nothing, and waits",
      () => new Promise(() => undefined),
      'a step is missing.\n  The journal holds: mutation "steps:echo"\n  The handler is blocked without asking for it.\n',
    ],
  ];

  test.each(others)("%s", async (_what, other, difference) => {
    const { error } = await failureOf(newBackend(), changing(first, other));
    expect(error).toContain(
      `Determinism violation in workflow <id> at step 0: ${difference}`,
    );
    expect(error).toMatch(/Was its code changed.*restart the run/s);
  });

  test("at a later step, whose number the error gives", async () => {
    let flips = 0;
    const { error } = await failureOf(newBackend(), async (step) => {
      for (let n = 0; n < 3; n++) await echo(step, n);
      await echo(step, flips++);
      await step.sleep(1);
    });
    expect(error).toContain("at step 3: the value of args.value differs.");
  });
  test("steps in another order", async () => {
    const pair = (names: string[]): Handler => {
      return async (step) => {
        await Promise.all(names.map((name) => echo(step, 1, { name })));
      };
    };
    const { error } = await failureOf(
      newBackend(),
      changing(pair(["a", "b"]), pair(["b", "a"])),
    );
    expect(error).toContain("at step 0: the name differs.");
  });

  test("even if the handler catches everything, and nothing of that turn remains", async () => {
    const t = newBackend();
    const after: Handler = async (step) => {
      await echo(step, 1);
      await echo(step, "inline", { inline: true });
      try {
        await echo(step, "other");
      } catch {
        // Whatever it is.
      }
      return "as if nothing had happened";
    };
    const before: Handler = (step) =>
      Promise.all([echo(step, 1), step.sleep(1)]);
    const { error, workflowId } = await failureOf(t, changing(before, after));
    expect(error).toContain("at step 1: the kind differs.");
    expect(await effects(t)).toEqual([1]);
    expect(await journal(t, workflowId)).toHaveLength(2);
  });

  test("a handler that asks for more steps than before continues", async () => {
    const before: Handler = (step) => echo(step, 1);
    const after: Handler = async (step) => [
      await echo(step, 1),
      await echo(step, 2),
    ];
    const { status } = await runHandler(newBackend(), changing(before, after));
    expect(status).toEqual(completed([1, 2]));
  });

  test("fields in another order, undefined fields and a NaN are no difference", async () => {
    const before: Handler = async (step) => {
      await echo(step, { a: 1, b: NaN });
      return "done";
    };
    const after: Handler = async (step) => {
      await echo(step, { c: undefined, b: NaN, a: 1 });
      return "done";
    };
    const { status } = await runHandler(newBackend(), changing(before, after));
    expect(status).toEqual(completed("done"));
  });
});

describe("unstableArgs", () => {
  test("arguments may differ on replay: the step ran with those of the first execution", async () => {
    const t = newBackend();
    let n = 0;
    const { status } = await runHandler(t, async (step) => {
      const a = await echo(step, ++n, { unstableArgs: true });
      const b = await step.runAction(
        steps.echoAction,
        { value: ++n },
        { unstableArgs: true },
      );
      await step.sleep(1);
      return [a, b, n > 4];
    });
    expect(status).toMatchObject({ result: [1, 3, true] });
    expect(await effects(t)).toEqual([1]);
  });

  test("names and kinds may not", async () => {
    const unstable =
      (name: string): Handler =>
      async (step) => {
        await echo(step, 1, { name, unstableArgs: true });
      };
    const { error } = await failureOf(
      newBackend(),
      changing(unstable("a"), unstable("b")),
    );
    expect(error).toContain("the name differs.");
  });
});

describe("a handler that waits for something that is not a step", () => {
  test("fails the run with an error that says what to do", async () => {
    const { error } = await failureOf(newBackend(), async (step) => {
      await echo(step, 1);
      await new Promise(() => undefined);
    });
    expect(error).toMatch(
      /handler of workflow <id> waits for something that is not a step.*Await only steps/,
    );
  });

  test("fails the run in its first turn already", async () => {
    const t = newBackend();
    const id = await startHandler(t, () => new Promise(() => undefined));
    expect(await statusOf(t, id)).toMatchObject({
      type: "failed",
      error: expect.stringContaining("not a step") as string,
    });
  });

  test("with a step in flight fails when that step completes", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      void echo(step, 1);
      await new Promise(() => undefined);
    });
    expect(await statusOf(t, id)).toMatchObject({ type: "inProgress" });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
    expect(await effects(t)).toEqual([1]);
  });

  test("that settles by itself before the handler is blocked continues", async () => {
    const { status } = await runHandler(newBackend(), async (step) => {
      const value = await Promise.resolve(1).then(async (n) => {
        for (let hop = 0; hop < 1000; hop++) await Promise.resolve();
        return n + 1;
      });
      return await echo(step, value);
    });
    expect(status).toEqual(completed(2));
  });
});

test("a run continues through the turns of a handler that is not an async function", async () => {
  script("handler", "child", () => Promise.resolve("child"));
  const { status } = await runHandler(newBackend(), (step) =>
    echo(step, 1).then(() =>
      step.runWorkflow(workflows.workflow, { handler: "child" }),
    ),
  );
  expect(status).toEqual(completed("child"));
});
