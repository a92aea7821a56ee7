import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { jobs } from "../../testing/managing.js";
import { internal } from "../../testing/app/_generated/api.js";
import { manager } from "../../testing/app/workflows.js";
import {
  components,
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
  strangers,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { completed, failed } from "../../testing/statuses.js";
import { everyRow } from "../../testing/tables.js";
import { getStatus, listSteps, start } from "../../client/index.js";

useBackend();

const main = { handler: "main" };

async function expectNothingStarted(t: Backend, act: () => Promise<unknown>) {
  const before = await everyRow(t);
  await act();
  expect(await everyRow(t)).toEqual(before);
}

type InParts = {
  runInComponent(
    path: string,
    run: (ctx: {
      db: { query(table: string): { collect(): Promise<unknown[]> } };
    }) => Promise<unknown[]>,
  ): Promise<unknown[]>;
};

/** The runs of one instance of the component. */
const runsOf = (t: Backend, instance: string) =>
  (t as unknown as InParts).runInComponent(instance, (ctx) =>
    ctx.db.query("workflows").collect(),
  );

describe("the handler's first turn", () => {
  test("runs inside the caller's transaction, up to where it waits", async () => {
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

  test("may complete the run: the caller sees the result and the writes of inline steps", async () => {
    const t = newBackend();
    script("handler", "main", (step, input) =>
      step.runMutation(steps.echo, { value: input }, { inline: true }),
    );
    const seen = await t.mutation(async (ctx) => {
      const args = { ...main, input: "x" };
      const id = await start(ctx, workflows.workflow, args);
      const written = await ctx.db.query("effects").collect();
      const status = await getStatus(ctx, components.workflow, id);
      return { status, written: written.length };
    });
    expect(seen).toEqual({
      status: { type: "completed", result: "x" },
      written: 1,
    });
  });

  test("is undone with everything else when the caller's transaction fails", async () => {
    const t = newBackend();
    script("handler", "main", async (step) => {
      await step.runMutation(steps.echo, { value: 1 }, { inline: true });
      await step.runMutation(steps.echo, { value: 2 });
    });
    await expectNothingStarted(t, () =>
      expect(
        t.mutation(async (ctx) => {
          await start(ctx, workflows.workflow, main);
          throw new Error("changed my mind");
        }),
      ).rejects.toThrow("changed my mind"),
    );
    await drain();
    expect(await effects(t)).toEqual([]);
  });

  test("that throws fails the run, not its caller", async () => {
    const t = newBackend();
    const id = await startHandler(t, () => Promise.reject(new Error("no")));
    expect(await statusOf(t, id)).toEqual(failed("no"));
  });

  test("that throws before its first await fails the run too", async () => {
    const t = newBackend();
    const id = await startHandler(t, () => {
      throw new ConvexError({ code: 7 });
    });
    expect(await statusOf(t, id)).toMatchObject({ type: "failed" });
  });

  test("begins once, not again in the next turn", async () => {
    const t = newBackend();
    await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.runMutation(steps.echo, { value: 2 });
    });
    expect(await effects(t)).toEqual([1, 2]);
  });
});

describe("a start that is impossible throws at the call site and changes nothing:", () => {
  const refused = (name: string, workflow: never, args: object) =>
    test.each([{ startAsync: false }, { startAsync: true }])(
      `${name} (startAsync: $startAsync)`,
      async (options) => {
        const t = newBackend();
        await expectNothingStarted(t, () =>
          expect(
            t.mutation((ctx) => start(ctx, workflow, args as never, options)),
          ).rejects.toThrow(),
        );
      },
    );
  const { typed } = internal.managed;
  refused("an argument of another type", typed as never, {
    owner: "1;effects",
    count: "many",
  });
  refused("an id of another table", typed as never, {
    owner: "1;ended",
    count: 1,
  });
  refused("a missing argument", workflows.workflow as never, {});
  refused("an unknown argument", workflows.workflow as never, {
    ...main,
    more: 1,
  });
  refused("a reference to nothing", anyApi["workflows"]!["nothing"] as never, {
    ...main,
  });
  refused("a reference to no workflow", steps.echo as never, main);

  test("arguments that no row can hold: the error says so and names the workflow", async () => {
    const t = newBackend();
    script("handler", "main", async () => null);
    const input = "x".repeat(1 << 20);
    await expectNothingStarted(t, () =>
      expect(
        t.mutation((ctx) => start(ctx, workflows.workflow, { ...main, input })),
      ).rejects.toThrow(
        /Can't start workflow "workflows:workflow": .* too large: \d+ bytes, the maximum is \d+ bytes/,
      ),
    );
  });

  test("arguments nested too deep for a row", async () => {
    const t = newBackend();
    script("handler", "main", async () => null);
    let input: unknown = 1;
    for (let depth = 0; depth < 20; depth++) input = [input];
    await expectNothingStarted(t, () =>
      expect(
        t.mutation((ctx) => start(ctx, workflows.workflow, { ...main, input })),
      ).rejects.toThrow(/Can't start workflow .* nested more than/),
    );
  });
});

describe("a function that isn't a workflow of the caller's component is refused at the call and changes nothing:", () => {
  const wanted = /Can't start .*: it is not a workflow. Pass a reference to/;
  const cases: [string, unknown, RegExp][] = [
    ["an ordinary mutation, whatever it returns", strangers.ordinary, wanted],
    ["an ordinary mutation that returns an object", strangers.kinds, wanted],
    ["a mutation with other arguments", strangers.validated, wanted],
    ["a function in place of its reference", () => null, wanted],
    ["undefined", undefined, wanted],
  ];
  test.each(cases)("%s", async (_what, what, message) => {
    const t = newBackend();
    await expectNothingStarted(t, () =>
      expect(
        t.mutation((ctx) => start(ctx, what as never, main as never)),
      ).rejects.toThrow(message),
    );
  });

  test("a workflow of another instance of the component, by a manager", async () => {
    const t = newBackend({ other: true });
    await expectNothingStarted(t, () =>
      expect(
        t.mutation((ctx) => manager.start(ctx, strangers.elsewhere, main)),
      ).rejects.toThrow(
        "the workflow is defined with components.other, the manager with components.workflow",
      ),
    );
    script("handler", "main", async () => "done");
    const id = await t.mutation((ctx) => start(ctx, strangers.elsewhere, main));
    const status = await t.query((ctx) => getStatus(ctx, components.other, id));
    expect(status).toEqual(completed("done"));
  });

  describe.each(["driver", "pool"] as const)("by a step, %s:", (execution) => {
    const another =
      /the workflow is defined with components.other, the manager with components.workflow/;
    const refusals: [string, (step: never) => Promise<unknown>, RegExp][] = [
      ...cases.map(([what, reference, message]): (typeof refusals)[number] => [
        what,
        (step) => start(step, reference as never, main as never),
        message,
      ]),
      [
        "an ordinary mutation, enqueued",
        (step) =>
          start(step, strangers.ordinary as never, main as never, {
            startAsync: true,
          }),
        wanted,
      ],
      [
        "a workflow of another instance",
        (step) => start(step, strangers.elsewhere, main),
        another,
      ],
      [
        "a workflow of another instance, by a manager",
        (step) => manager.start(step, strangers.elsewhere, main),
        another,
      ],
      [
        "a workflow of another instance, enqueued by a manager",
        (step) =>
          manager.start(step, strangers.elsewhere, main, { startAsync: true }),
        another,
      ],
    ];
    test.each(refusals)("%s", async (_what, call, message) => {
      const t = newBackend({ other: true, execution });
      let caught: unknown;
      const { status } = await runHandler(t, async (step) => {
        await call(step as never).catch((error: unknown) => (caught = error));
        return "went on";
      });
      expect(String(caught)).toMatch(message);
      expect(status).toEqual(completed("went on"));
      expect(await effects(t)).toEqual([]);
      // Only the run of the handler itself.
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
    ];
    for (const call of calls)
      await expect(t.query((ctx) => call(ctx as never))).rejects.toThrow(
        /with this ctx: it can't run mutations. Call it in a mutation, an action or a workflow's handler/,
      );
  });
});

test("an id of the right table is accepted", async () => {
  const t = newBackend();
  const owner = await t.run((ctx) =>
    ctx.db.insert("effects", { key: "k", value: 1 }),
  );
  const id = await t.mutation((ctx) =>
    start(ctx, internal.managed.typed, { owner, count: 3 }),
  );
  expect(await statusOf(t, id)).toEqual(completed(3));
});

describe("startAsync", () => {
  test("leaves the first turn to a job of the pool", async () => {
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

  test("starts nothing when the caller's transaction fails", async () => {
    const t = newBackend();
    await expectNothingStarted(t, () =>
      expect(
        t.mutation(async (ctx) => {
          await start(ctx, workflows.workflow, main, { startAsync: true });
          throw new Error("changed my mind");
        }),
      ).rejects.toThrow("changed my mind"),
    );
  });

  test("fails the run when the handler throws", async () => {
    const t = newBackend();
    const { status } = await runHandler(
      t,
      () => Promise.reject(new Error("no")),
      { startAsync: true },
    );
    expect(status).toEqual(failed("no"));
  });
});

describe("a run may be started", () => {
  test("from an action", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await t.action((ctx) => start(ctx, workflows.workflow, main));
    expect(await statusOf(t, id)).toEqual(completed("done"));
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
    expect(recorded.map(({ step }) => step.kind)).toEqual([
      "function",
      "sleep",
      "function",
    ]);
  });

  test("by the manager's method", async () => {
    const t = newBackend();
    script("handler", "main", async () => "done");
    const id = await t.mutation((ctx) =>
      manager.start(ctx, workflows.workflow, main),
    );
    expect(await t.query((ctx) => manager.status(ctx, id))).toEqual(
      completed("done"),
    );
  });
});

describe("onComplete and context", () => {
  test("are passed together: onComplete receives the context unchanged", async () => {
    const t = newBackend();
    const context = { list: [1, null, 2n], text: "ü" };
    const { workflowId } = await runHandler(t, async () => 1, { context });
    const [ended] = await endings(t);
    expect(ended).toMatchObject({ workflowId, context });
  });

  test("a context of null is one", async () => {
    const t = newBackend();
    await runHandler(t, async () => 1, { context: null });
    expect(await endings(t)).toMatchObject([{ context: null }]);
  });

  test("without both, nothing is called", async () => {
    const t = newBackend();
    await runHandler(t, async () => 1);
    expect(await endings(t)).toEqual([]);
  });

  test("onComplete without context is a type error", async () => {
    type Options = Parameters<typeof start>[3];
    const both: Options = { onComplete: steps.ended, context: 1 };
    // @ts-expect-error -- without context
    const noContext: Options = { onComplete: steps.ended };
    // @ts-expect-error -- without onComplete
    const noCallback: Options = { context: 1 };
    expect([both, noContext, noCallback]).toHaveLength(3);
  });
});
