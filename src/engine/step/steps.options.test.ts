import { describe, expect, test, vi } from "vitest";
import { MAX_NAME_LENGTH } from "../../shared/limits.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
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
import { completed, failed } from "../../testing/statuses.js";
import { listenToConsole, poolRows } from "../../testing/managing.js";
import type { WorkflowCtx } from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
const value = { value: 1 };
const child = { handler: "child" };
const policy = (maxAttempts: number, initialBackoffMs = 1, base = 1) => ({
  maxAttempts,
  initialBackoffMs,
  base,
});
const messageOf = (error: Error) => error.message;

/** Calls a step with options that its types may refuse, as JavaScript can. */
function call(step: WorkflowCtx, kind: Kind, options?: object, args?: unknown) {
  const ref = {
    Query: steps.echoQuery,
    Mutation: steps.echo,
    Action: steps.echoAction,
    Workflow: workflows.workflow,
  }[kind];
  type Run = (
    ref: unknown,
    args: unknown,
    options: unknown,
  ) => Promise<unknown>;
  const ctx = step as unknown as Record<`run${Kind}`, Run>;
  const usual = kind === "Workflow" ? child : value;
  return ctx[`run${kind}`](ref, args ?? usual, options);
}
type Kind = "Query" | "Mutation" | "Action" | "Workflow";

const tooLong = "n".repeat(MAX_NAME_LENGTH + 1);

describe("a call with invalid options rejects with the step's name and records nothing:", () => {
  test.each<[string, Kind, object, RegExp]>([
    [
      "inline with runAt",
      "Mutation",
      { inline: true, runAt: 1 },
      /inline.*runAt/,
    ],
    [
      "inline with runAfter",
      "Query",
      { inline: true, runAfter: 1 },
      /inline.*runAfter/,
    ],
    [
      "an inline action",
      "Action",
      { inline: true },
      /inline is for queries and mutations.*action/,
    ],
    [
      "an inline workflow",
      "Workflow",
      { inline: true },
      /inline is for queries and mutations.*workflow/,
    ],
    [
      "transactionLimits without inline",
      "Mutation",
      { transactionLimits: { documentsRead: 1 } },
      /transactionLimits needs inline: true/,
    ],
    [
      "transactionLimits with inline: false",
      "Mutation",
      { inline: false, transactionLimits: {} },
      /transactionLimits needs inline: true/,
    ],
    [
      "runAt with runAfter",
      "Action",
      { runAt: 1, runAfter: 1 },
      /runAt and runAfter exclude each other/,
    ],
    [
      "a time that is none",
      "Action",
      { runAfter: NaN },
      /runAfter is NaN.*milliseconds/,
    ],
    [
      "retry of a workflow",
      "Workflow",
      { retry: true },
      /retry is for actions/,
    ],
    [
      "no attempt",
      "Action",
      { retry: policy(0) },
      /retry\.maxAttempts is 0.*Expected/,
    ],
    [
      "a negative backoff",
      "Action",
      { retry: policy(2, -1) },
      /retry\.initialBackoffMs is -1.*Expected/,
    ],
    [
      "a base that is no number",
      "Action",
      { retry: policy(2, 1, NaN) },
      /retry\.base is NaN.*Expected/,
    ],
    [
      "a maxBackoffMs that is no time",
      "Action",
      { retry: { ...policy(2), maxBackoffMs: -1 } },
      /^Invalid options of step "mine": retry\.maxBackoffMs is -1\. Expected milliseconds from 0\.$/,
    ],
    [
      "a name that is too long",
      "Query",
      { name: tooLong },
      /name "n+…" is too long: 1025 characters, the maximum is 1024/,
    ],
    [
      "arguments that are no object",
      "Mutation",
      { args: [1] },
      /^Invalid arguments of step "mine": expected an object/,
    ],
  ])("%s", async (_what, kind, given, message) => {
    const t = newBackend();
    const { args, ...options } = { args: undefined, name: "mine", ...given };
    let thrown = false;
    const { workflowId, status } = await runHandler(t, async (step) => {
      try {
        // The call rejects instead of throwing.
        const promise = call(step, kind, options, args);
        return await promise.then(() => "no error", messageOf);
      } catch {
        thrown = true;
      }
    });
    expect(thrown).toBe(false);
    expect(status).toEqual(completed(expect.stringMatching(message)));
    expect(status).toHaveProperty(
      "result",
      expect.stringMatching(/"(mine|n+…)"/),
    );
    expect(await journal(t, workflowId)).toEqual([]);
    expect(await effects(t)).toEqual([]);
  });

  test("it fails the run unless caught, and is refused again on replay", async () => {
    const t = newBackend();
    const wrong = (step: WorkflowCtx) => call(step, "Action", { inline: true });
    const uncaught = await runHandler(t, wrong, { name: "wrong" });
    expect(uncaught.status).toEqual(
      failed(expect.stringContaining("inline is for queries")),
    );
    const { status } = await runHandler(t, async (step) => {
      let refusals = 0;
      await wrong(step).catch(() => refusals++);
      const a = await step.runMutation(steps.echo, { value: 1 });
      await wrong(step).catch(() => refusals++);
      const b = await step.runMutation(steps.echo, { value: 2 });
      return [a, b, refusals];
    });
    expect(status).toEqual(completed([1, 2, 2]));
  });
});

test.each<[string, Kind, object]>([
  ["retry of a mutation", "Mutation", { retry: true }],
  ["retry of a query, however wrong,", "Query", { retry: {} }],
  ["inline with runAfter: 0", "Mutation", { inline: true, runAfter: 0 }],
  ["inline with runAt: 0", "Query", { inline: true, runAt: 0 }],
  [
    "a name as long as the limit",
    "Query",
    { name: "n".repeat(MAX_NAME_LENGTH) },
  ],
])("%s changes nothing and is accepted", async (_what, kind, options) => {
  const { status } = await runHandler(newBackend(), (step) =>
    call(step, kind, options),
  );
  expect(status).toEqual(completed(1));
});

test.each<[string, Handler, RegExp]>([
  [
    "an event whose name is too long",
    (step) => step.awaitEvent({ name: tooLong }),
    /name "n+…" is too long: 1025 characters, the maximum is 1024/,
  ],
  [
    "an event wait without a name or an id",
    (step) => step.awaitEvent({} as never),
    /^awaitEvent needs the event's name or its id\.$/,
  ],
  [
    "an event wait with a negative timeout",
    (step) => step.awaitEvent({ name: "go", timeout: -1 }),
    /^Invalid timeout of event "go": -1\. Expected milliseconds from 0\.$/,
  ],
  [
    "an event wait with an infinite timeout",
    (step) => step.awaitEvent({ name: "go", timeout: Infinity }),
    /^Invalid timeout of event "go": Infinity\. Expected milliseconds from 0\.$/,
  ],
  [
    "an infinite sleep",
    (step) => step.sleep(Infinity, { name: "nap" }),
    /^Invalid duration of step "nap": Infinity\. Expected milliseconds/,
  ],
  [
    "a step that is to start in more than four years",
    (step) => call(step, "Query", { runAfter: 4 * YEAR_MS + 1000 }),
    /can't start in \d+ ms: the longest delay is \d+ ms, four years. Sleep first/,
  ],
])("%s is refused, which can be caught", async (_what, ask, why) => {
  const { status } = await runHandler(newBackend(), (step) =>
    ask(step, null).catch(messageOf),
  );
  expect(status).toEqual(completed(expect.stringMatching(why)));
});

test("a step with a delay of four years starts in four years", async () => {
  // This isn't the beginning of one of the pool's time units.
  vi.setSystemTime(1_700_000_000_050);
  const t = newBackend();
  const workflowId = await startHandler(t, (step) =>
    call(step, "Query", { runAfter: 4 * YEAR_MS }),
  );
  // The pool would check the job a hundred thousand times until then.
  expect(await statusOf(t, workflowId)).toMatchObject({
    type: "inProgress",
    running: [{ kind: "function" }],
  });
  const [due] = await poolRows(t, "pendingStart");
  const years = (Number(due!["segment"]) * 100 - Date.now()) / YEAR_MS;
  expect(years).toBeCloseTo(4);
  expect(heard.said).toEqual([]);
});

test.each(["driver", "pool"] as const)(
  "a step with a runAt long past starts at once and logs nothing (%s)",
  async (execution) => {
    const { status } = await runHandler(newBackend({ execution }), (step) =>
      call(step, "Mutation", { runAt: 0 }),
    );
    expect(status).toEqual(completed(1));
    expect(heard.said).toEqual([]);
  },
);

describe("withOptions", () => {
  const attempt = (step: WorkflowCtx, options?: { retry: boolean }) =>
    step.runAction(steps.action, { name: "failing" }, options);
  const twice = policy(2);
  const thrice = policy(3);

  test.each<[string, Handler, number]>([
    [
      "retry is the default of the actions called on it",
      (step) => attempt(step.withOptions({ retry: twice })),
      2,
    ],
    [
      "retry: true means five attempts",
      (step) => attempt(step.withOptions({ retry: true })),
      5,
    ],
    [
      "the original is unaffected",
      async (step) => {
        step.withOptions({ retry: twice });
        await attempt(step);
      },
      1,
    ],
    [
      "chained, the later policy wins",
      (step) =>
        attempt(
          step.withOptions({ retry: twice }).withOptions({ retry: thrice }),
        ),
      3,
    ],
    [
      "chained, a later false wins",
      (step) =>
        attempt(
          step.withOptions({ retry: twice }).withOptions({ retry: false }),
        ),
      1,
    ],
    [
      "chained, options that the later doesn't name are kept",
      (step) =>
        attempt(
          step
            .withOptions({ retry: twice })
            .withOptions({ unstableArgs: true })
            .withOptions({ retry: undefined }),
        ),
      2,
    ],
    [
      "a call's own false wins",
      (step) => attempt(step.withOptions({ retry: thrice }), { retry: false }),
      1,
    ],
    [
      "a call's own true wins",
      (step) => attempt(step.withOptions({ retry: false }), { retry: true }),
      5,
    ],
  ])("%s", async (_title, handler, attempts) => {
    let count = 0;
    script("action", "failing", () => {
      count++;
      throw new Error("no");
    });
    const { status } = await runHandler(newBackend(), handler);
    expect(status).toEqual(failed("no"));
    expect(count).toBe(attempts);
  });

  test("retry doesn't affect steps of other kinds on the same ctx", async () => {
    const t = newBackend();
    script("handler", "child", async () => 3);
    const { status } = await runHandler(t, async (step) => {
      const ctx = step.withOptions({ retry: true });
      await ctx.sleep(1);
      return [
        await ctx.runQuery(steps.echoQuery, { value: 1 }),
        await ctx.runMutation(steps.echo, { value: 2 }, { inline: true }),
        await ctx.runWorkflow(workflows.workflow, child),
        await ctx.runMutation(steps.fail, { message: "once" }).catch(messageOf),
        ctx.workflowId === step.workflowId,
      ];
    });
    expect(status).toEqual(completed([1, 2, 3, "once", true]));
  });

  test("unstableArgs applies to every call on it, unless the call overrides it", async () => {
    const t = newBackend();
    script("handler", "child", async () => null);
    let execution = 0;
    const unstable =
      (own?: { unstableArgs: boolean }): Handler =>
      async (step) => {
        const input = ++execution;
        const ctx = step.withOptions({ unstableArgs: true });
        for (const kind of ["Query", "Mutation", "Action"] as const)
          await call(ctx, kind, own, { value: input });
        await call(ctx, "Workflow", own, { ...child, input });
        return "done";
      };
    const defaults = await runHandler(t, unstable());
    expect(defaults.status).toEqual(completed("done"));
    const own = unstable({ unstableArgs: false });
    const { status } = await runHandler(t, own, { name: "stable" });
    expect(status).toEqual(
      failed(expect.stringContaining("Determinism violation")),
    );
  });
});
