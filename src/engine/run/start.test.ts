import { anyApi } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  HANDLE,
  createRun,
  expectUnchanged,
  handleOf,
} from "../../testing/doors.js";
import { jobs, listenToConsole } from "../../testing/managing.js";
import { internal } from "../../testing/app/_generated/api.js";
import { manager } from "../../testing/app/workflows.js";
import {
  components,
  drain,
  effects,
  endings,
  inPart,
  journal,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  statusOf,
  steps,
  strangers,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import {
  getStatus,
  listSteps,
  start,
  type RunMutationCtx,
} from "../../client/index.js";

useBackend();
const heard = listenToConsole();

const main = { handler: "main" };
const { typed } = internal.managed;

const expectNothingStarted = (
  t: Backend,
  act: (ctx: RunMutationCtx) => Promise<unknown>,
  error: RegExp | string,
) =>
  expectUnchanged(t, heard, () =>
    expect(t.mutation((ctx) => act(ctx))).rejects.toThrow(error),
  );

/** Returns the runs of one instance of the component. */
const runsOf = (t: Backend, instance: string) =>
  inPart(t, instance, (ctx) => ctx.db.query("workflows").collect());

describe("the handler's first turn", () => {
  test("runs inside the caller's transaction until it waits", async () => {
    const t = newBackend();
    script("handler", "main", (step) =>
      step.runMutation(steps.echo, { value: 1 }),
    );
    const seen = await t.mutation(async (ctx) => {
      const id = await start(ctx, workflows.workflow, main);
      const { page } = await listSteps(ctx, components.workflow, id);
      return page.map(({ name, stepNumber }) => ({ name, stepNumber }));
    });
    expect(seen).toEqual([{ name: "steps:echo", stepNumber: 0 }]);
    expect(await effects(t)).toEqual([]);
  });

  test.each([{ startAsync: false }, { startAsync: true }])(
    "is undone with everything else when the caller's transaction fails (startAsync: $startAsync)",
    async (options) => {
      const t = newBackend();
      script("handler", "main", async (step) => {
        await step.runMutation(steps.echo, { value: 1 }, { inline: true });
        await step.runMutation(steps.echo, { value: 2 });
      });
      const startAndFail = async (ctx: RunMutationCtx) => {
        await start(ctx, workflows.workflow, main, options);
        throw new Error("changed my mind");
      };
      await expectNothingStarted(t, startAndFail, "changed my mind");
      await drain();
      expect(await effects(t)).toEqual([]);
    },
  );

  test("runs in a pool job with startAsync", async () => {
    const t = newBackend();
    let begun = false;
    const handler = async () => {
      begun = true;
      return "late";
    };
    const id = await startHandler(t, handler, { startAsync: true });
    expect(begun).toBe(false);
    expect(await jobs(t)).toEqual(["workflows:workflow"]);
    expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
    await drain();
    expect(await statusOf(t, id)).toEqual(completed("late"));
  });
});

describe("an impossible start throws at the call and changes nothing:", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 20; depth++) deep = [deep];
  const isNone = /Can't start .*: it is not a workflow. Pass a reference to/;

  const cases: [
    what: string,
    workflow: unknown,
    args: object,
    error: RegExp,
  ][] = [
    [
      "a reference to nothing",
      anyApi["workflows"]!["nothing"],
      main,
      /nothing/,
    ],
    [
      "a reference to no workflow",
      steps.echo,
      main,
      /check that it is a workflow/,
    ],
    [
      "an ordinary mutation, whatever it returns",
      strangers.ordinary,
      main,
      isNone,
    ],
    [
      "an ordinary mutation that returns an object",
      strangers.kinds,
      main,
      isNone,
    ],
    ["a mutation with other arguments", strangers.validated, main, isNone],
    ["a function in place of its reference", () => null, main, isNone],
    ["undefined", undefined, main, isNone],
    [
      "arguments that no row can hold",
      workflows.workflow,
      { ...main, input: "x".repeat(1 << 20) },
      /Can't start workflow "workflows:workflow": .* too large: \d+ bytes, the maximum is \d+ bytes/,
    ],
    [
      "arguments nested too deep for a row",
      workflows.workflow,
      { ...main, input: deep },
      /Can't start workflow .* nested more than/,
    ],
  ];
  test.each(cases)("%s", async (_what, workflow, args, error) => {
    const t = newBackend();
    script("handler", "main", async () => null);
    for (const startAsync of [false, true])
      await expectNothingStarted(
        t,
        (ctx) => start(ctx, workflow as never, args as never, { startAsync }),
        error,
      );
  });

  const another =
    /the workflow is defined with components.other, the manager with components.workflow/;

  test("a manager that starts another instance's workflow", async () => {
    const t = newBackend({ other: true });
    await expectNothingStarted(
      t,
      (ctx) => manager.start(ctx, strangers.elsewhere, main),
      another,
    );
    script("handler", "main", async () => "done");
    const id = await t.mutation((ctx) => start(ctx, strangers.elsewhere, main));
    const status = await t.query((ctx) => getStatus(ctx, components.other, id));
    expect(status).toEqual(completed("done"));
  });

  describe.each(["driver", "pool"] as const)("by a step, %s:", (execution) => {
    type Refusal = [
      what: string,
      call: (step: never) => Promise<unknown>,
      error: RegExp,
    ];
    const later = { startAsync: true };
    // Not "main", which would start itself forever.
    const quiet = { handler: "quiet" };
    const refusals: Refusal[] = [
      ...cases
        .filter(([, , , error]) => error === isNone)
        .map(([what, workflow, , error]): Refusal => {
          const begin = (step: never) =>
            start(step, workflow as never, quiet as never);
          return [what, begin, error];
        }),
      [
        "an ordinary mutation, enqueued",
        (step) =>
          start(step, strangers.ordinary as never, quiet as never, later),
        isNone,
      ],
      [
        "a workflow of another instance",
        (step) => start(step, strangers.elsewhere, quiet),
        another,
      ],
      [
        "a workflow of another instance, by a manager",
        (step) => manager.start(step, strangers.elsewhere, quiet),
        another,
      ],
      [
        "a workflow of another instance, enqueued by a manager",
        (step) => manager.start(step, strangers.elsewhere, quiet, later),
        another,
      ],
    ];
    test.each(refusals)("%s", async (_what, call, message) => {
      const t = newBackend({ other: true, execution });
      script("handler", "quiet", () => Promise.resolve());
      let caught: unknown;
      const { status } = await runHandler(t, async (step) => {
        await call(step as never).catch((error: unknown) => (caught = error));
        return "went on";
      });
      expect(String(caught)).toMatch(message);
      expect(status).toEqual(completed("went on"));
      expect(await effects(t)).toEqual([]);
      // Only the handler's own run.
      expect(await runsOf(t, "workflow")).toHaveLength(1);
      expect(await runsOf(t, "other")).toEqual([]);
    });
  });

  test("the ctx of a query", async () => {
    const t = newBackend();
    const id = await startHandler(t, (step) => step.sleep(1));
    const calls: ((ctx: never) => Promise<unknown>)[] = [
      (ctx) => start(ctx, workflows.workflow, main),
      (ctx) => manager.start(ctx, workflows.workflow, main),
      (ctx) => manager.cancel(ctx, id),
      (ctx) => manager.restart(ctx, id),
      (ctx) => manager.cleanup(ctx, id),
      (ctx) => manager.sendEvent(ctx, { workflowId: id, name: "x" }),
      (ctx) => manager.createEvent(ctx, { workflowId: id, name: "x" }),
    ];
    for (const call of calls)
      await expect(t.query((ctx) => call(ctx as never))).rejects.toThrow(
        /with this ctx: it can't run mutations. Call it in a mutation, an action or a workflow's handler/,
      );
  });
});

describe("a run may be started", () => {
  test("from a mutation, an action and a manager, with an id of the right table", async () => {
    const t = newBackend();
    const owner = await t.run((ctx) =>
      ctx.db.insert("effects", { key: "k", value: 1 }),
    );
    const args = { owner, count: 3 };
    for (const id of [
      await t.mutation((ctx) => start(ctx, typed, args)),
      await t.action((ctx) => start(ctx, typed, args)),
      await t.mutation((ctx) => manager.start(ctx, typed, args)),
    ])
      expect(await statusOf(t, id)).toEqual(completed(3));
  });

  test("from a workflow's step ctx, once", async () => {
    const t = newBackend();
    script("handler", "other", (step) =>
      step.runMutation(steps.echo, { value: "other" }),
    );
    const { workflowId, status } = await runHandler(t, async (step) => {
      const id = await start(step, workflows.workflow, { handler: "other" });
      await step.sleep(10);
      return await getStatus(step, components.workflow, id);
    });
    expect(status).toEqual(completed({ type: "completed", result: "other" }));
    expect(await effects(t)).toEqual(["other"]);
    const recorded = await journal(t, workflowId);
    const kinds = ["function", "sleep", "function"];
    expect(recorded.map(({ step }) => step.kind)).toEqual(kinds);
  });
});

test("onComplete receives the context unchanged, even null", async () => {
  const t = newBackend();
  await runHandler(t, async () => 1);
  expect(await endings(t)).toEqual([]);
  const ended = [];
  for (const context of [{ list: [1, null, 2n], text: "ü" }, null]) {
    const { workflowId } = await runHandler(t, async () => 1, { context });
    ended.push({ workflowId, context });
    expect(await endings(t)).toMatchObject(ended);
  }
});

// Called directly, as other packages and scripts do, not through this package's client.
test("workflow.create with createOnly stores the run for this engine's rules and leaves its first turn to the caller", async () => {
  const t = newBackend();
  script("handler", "main", async () => "done");
  const fnHandle = await handleOf(t, steps.ended);
  const onComplete = { fnHandle, context: [1] };
  const options = { createOnly: true, onComplete, maxParallelism: 9 };
  const id = await createRun(t, options);
  await drain();
  expect(await statusOf(t, id)).toEqual({ type: "inProgress", running: [] });
  expect(await rows(t, "workflows")).toMatchObject([
    {
      name: "some:workflow",
      workflowHandle: HANDLE,
      args: main,
      onComplete,
      generationNumber: 0,
      engineVersion: 1,
    },
  ]);
  const turn = { workflowId: id, generationNumber: 0 };
  await t.mutation((ctx) =>
    ctx.runMutation(workflows.workflow as never, turn as never),
  );
  expect(await statusOf(t, id)).toEqual(completed("done"));
  expect(await endings(t)).toMatchObject([{ context: [1] }]);
});
