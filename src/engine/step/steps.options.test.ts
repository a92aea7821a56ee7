import { describe, expect, test } from "vitest";
import type { Handler } from "../../testing/app/scripts.js";
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
  workflows,
} from "../../testing/harness.js";
import { listenToConsole } from "../../testing/managing.js";
import type { WorkflowCtx } from "../../client/index.js";

useBackend();
listenToConsole();

describe("a call whose options exclude each other rejects, naming the step, and records nothing", () => {
  const value = { value: 1 };
  const named = { name: "mine" };
  // As from JavaScript: the types refuse all of them.
  type Untyped = Record<
    "runQuery" | "runMutation" | "runAction" | "runWorkflow",
    (ref: unknown, args: unknown, options: unknown) => Promise<unknown>
  >;
  const calls: [string, RegExp, (step: Untyped) => Promise<unknown>][] = [
    [
      "inline with runAt",
      /inline.*runAt/,
      (step) =>
        step.runMutation(steps.echo, value, {
          ...named,
          inline: true,
          runAt: 1,
        }),
    ],
    [
      "inline with runAfter",
      /inline.*runAfter/,
      (step) =>
        step.runQuery(steps.echoQuery, value, {
          ...named,
          inline: true,
          runAfter: 1,
        }),
    ],
    [
      "an inline action",
      /inline is for queries and mutations.*action/,
      (step) =>
        step.runAction(steps.echoAction, value, { ...named, inline: true }),
    ],
    [
      "an inline workflow",
      /inline is for queries and mutations.*workflow/,
      (step) =>
        step.runWorkflow(
          workflows.workflow,
          { handler: "child" },
          { ...named, inline: true },
        ),
    ],
    [
      "transactionLimits without inline",
      /transactionLimits needs inline: true/,
      (step) =>
        step.runMutation(steps.echo, value, {
          ...named,
          transactionLimits: { documentsRead: 1 },
        }),
    ],
    [
      "transactionLimits with inline: false",
      /transactionLimits needs inline: true/,
      (step) =>
        step.runMutation(steps.echo, value, {
          ...named,
          inline: false,
          transactionLimits: {},
        }),
    ],
    [
      "runAt with runAfter",
      /runAt and runAfter exclude each other/,
      (step) =>
        step.runAction(steps.echoAction, value, {
          ...named,
          runAt: 1,
          runAfter: 1,
        }),
    ],
    [
      "a time that is none",
      /runAfter is NaN.*milliseconds/,
      (step) =>
        step.runAction(steps.echoAction, value, { ...named, runAfter: NaN }),
    ],
    [
      "retry of a workflow",
      /retry is for actions/,
      (step) =>
        step.runWorkflow(
          workflows.workflow,
          { handler: "child" },
          { ...named, retry: true },
        ),
    ],
    ...[
      { maxAttempts: 0, initialBackoffMs: 1, base: 2 },
      { maxAttempts: 2, initialBackoffMs: -1, base: 2 },
      { maxAttempts: 2, initialBackoffMs: 1, base: NaN },
    ].map((retry): (typeof calls)[number] => [
      `retry ${JSON.stringify(retry)}`,
      /retry\.(maxAttempts is 0|initialBackoffMs is -1|base is NaN).*Expected/,
      (step) => step.runAction(steps.echoAction, value, { ...named, retry }),
    ]),
    [
      "arguments that are no object",
      /^Invalid arguments of step "mine": expected an object/,
      (step) => step.runMutation(steps.echo, [1], named),
    ],
  ];

  test.each(calls)("%s", async (_what, message, call) => {
    const t = newBackend();
    script("handler", "child", async () => null);
    let thrown = false;
    const { workflowId, status } = await runHandler(t, async (step) => {
      try {
        // It rejects: nothing is thrown at the call.
        const promise = call(step as unknown as Untyped);
        return await promise.then(
          () => "no error",
          (error: Error) => error.message,
        );
      } catch {
        thrown = true;
      }
    });
    expect(thrown).toBe(false);
    expect(status).toEqual({
      type: "completed",
      result: expect.stringMatching(message),
    });
    expect(status).toHaveProperty("result", expect.stringMatching('"mine"'));
    expect(await journal(t, workflowId)).toEqual([]);
    expect(await effects(t)).toEqual([]);
  });

  test.each<[string, (step: Untyped) => Promise<unknown>]>([
    [
      "retry of a mutation",
      (step) => step.runMutation(steps.echo, value, { retry: true }),
    ],
    [
      "retry of a query, however wrong",
      (step) => step.runQuery(steps.echoQuery, value, { retry: {} }),
    ],
    [
      "inline with runAfter: 0",
      (step) =>
        step.runMutation(steps.echo, value, { inline: true, runAfter: 0 }),
    ],
    [
      "inline with runAt: 0",
      (step) =>
        step.runQuery(steps.echoQuery, value, { inline: true, runAt: 0 }),
    ],
  ])("%s changes nothing and is accepted", async (_what, call) => {
    const t = newBackend();
    const { status } = await runHandler(t, (step) =>
      call(step as unknown as Untyped),
    );
    expect(status).toEqual({ type: "completed", result: 1 });
  });

  test("uncaught, it fails the run; caught, it is refused again on replay and the run continues", async () => {
    const t = newBackend();
    const wrong = (step: WorkflowCtx) =>
      (step as unknown as Untyped).runAction(steps.echoAction, value, {
        inline: true,
      });
    const failed = await runHandler(t, wrong, { name: "wrong" });
    expect(failed.status).toMatchObject({
      type: "failed",
      error: expect.stringContaining("inline is for queries") as string,
    });
    const { status } = await runHandler(t, async (step) => {
      let refusals = 0;
      await wrong(step).catch(() => refusals++);
      const a = await step.runMutation(steps.echo, { value: 1 });
      await wrong(step).catch(() => refusals++);
      const b = await step.runMutation(steps.echo, { value: 2 });
      return [a, b, refusals];
    });
    expect(status).toMatchObject({ result: [1, 2, 2] });
  });
});

describe("withOptions", () => {
  /** How often an action that always fails was attempted, and which steps have what policy. */
  async function attempts(handler: Handler) {
    const t = newBackend();
    let count = 0;
    script("action", "failing", () => {
      count++;
      throw new Error("no");
    });
    const { status } = await runHandler(t, handler);
    expect(status.type).toBe("completed");
    return count;
  }
  const attempt = (step: WorkflowCtx, options?: { retry: boolean }) =>
    step
      .runAction(steps.action, { name: "failing" }, options)
      .catch(() => undefined);
  const twice = { maxAttempts: 2, initialBackoffMs: 1, base: 1 };
  const thrice = { ...twice, maxAttempts: 3 };

  test("retry: is the default of the actions called on it", async () => {
    expect(
      await attempts((step) => attempt(step.withOptions({ retry: twice }))),
    ).toBe(2);
    expect(
      await attempts((step) => attempt(step.withOptions({ retry: true }))),
    ).toBe(5);
  });

  test("the original is unaffected", async () => {
    expect(
      await attempts(async (step) => {
        step.withOptions({ retry: twice });
        await attempt(step);
      }),
    ).toBe(1);
  });

  test("chained, the later wins", async () => {
    expect(
      await attempts((step) =>
        attempt(
          step.withOptions({ retry: twice }).withOptions({ retry: thrice }),
        ),
      ),
    ).toBe(3);
    expect(
      await attempts((step) =>
        attempt(
          step.withOptions({ retry: twice }).withOptions({ retry: false }),
        ),
      ),
    ).toBe(1);
  });

  test("chained, options that the later doesn't name are kept", async () => {
    expect(
      await attempts((step) =>
        attempt(
          step
            .withOptions({ retry: twice })
            .withOptions({ unstableArgs: true })
            .withOptions({ retry: undefined }),
        ),
      ),
    ).toBe(2);
  });

  test("a call's own options win", async () => {
    expect(
      await attempts((step) =>
        attempt(step.withOptions({ retry: thrice }), { retry: false }),
      ),
    ).toBe(1);
    expect(
      await attempts((step) =>
        attempt(step.withOptions({ retry: false }), { retry: true }),
      ),
    ).toBe(5);
  });

  test("retry: steps of other kinds on the same ctx run as before", async () => {
    const t = newBackend();
    script("handler", "child", async () => 3);
    const { status } = await runHandler(t, async (step) => {
      const ctx = step.withOptions({ retry: true });
      await ctx.sleep(1);
      return [
        await ctx.runQuery(steps.echoQuery, { value: 1 }),
        await ctx.runMutation(steps.echo, { value: 2 }, { inline: true }),
        await ctx.runWorkflow(workflows.workflow, { handler: "child" }),
        await ctx
          .runMutation(steps.fail, { message: "once" })
          .catch((error: Error) => error.message),
        ctx.workflowId === step.workflowId,
      ];
    });
    expect(status).toMatchObject({ result: [1, 2, 3, "once", true] });
  });

  test("unstableArgs: applies to every call on it, unless the call overrides it", async () => {
    const t = newBackend();
    script("handler", "child", async () => null);
    let execution = 0;
    const unstable =
      (own?: { unstableArgs: boolean }): Handler =>
      async (step) => {
        const value = ++execution;
        const ctx = step.withOptions({ unstableArgs: true });
        await ctx.runQuery(steps.echoQuery, { value }, own);
        await ctx.runMutation(steps.echo, { value }, own);
        await ctx.runAction(steps.echoAction, { value }, own);
        const input = value;
        await ctx.runWorkflow(
          workflows.workflow,
          { handler: "child", input },
          own,
        );
        return "done";
      };
    const defaults = await runHandler(t, unstable());
    expect(defaults.status).toEqual({ type: "completed", result: "done" });
    const own = unstable({ unstableArgs: false });
    const { status } = await runHandler(t, own, { name: "stable" });
    expect(status).toMatchObject({
      type: "failed",
      error: expect.stringContaining("Determinism violation") as string,
    });
  });

  test("its steps and the original's are numbered together", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      const ctx = step.withOptions({ retry: true });
      await Promise.all([
        ctx.runAction(steps.echoAction, { value: 0 }, { name: "a" }),
        step.runAction(steps.echoAction, { value: 1 }, { name: "b" }),
        ctx.runAction(steps.echoAction, { value: 2 }, { name: "c" }),
      ]);
    });
    await drain();
    expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
    expect((await journal(t, id)).map(({ step }) => step.name)).toEqual([
      "a",
      "b",
      "c",
    ]);
  });
});
