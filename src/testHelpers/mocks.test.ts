import { createFunctionHandle } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, test, vi } from "vitest";
import {
  finishWorkflows,
  mockStep,
  waitForRun,
} from "@convex-dev/workflow/test";
import { NonRetryableError, type WorkflowCtx } from "../client/index.js";
import { components, internal } from "../testing/app/_generated/api.js";
import { script } from "../testing/app/scripts.js";
import {
  effects,
  newTest,
  send,
  start,
  useFakeTimers,
} from "../testing/helpers.js";

const { steps, workflows } = internal;

useFakeTimers();

const done = (result: unknown) => ({ type: "completed", result });
const failed = (error: string) => ({ type: "failed", error });

interface Kind {
  ref: typeof steps.echo;
  run: (step: WorkflowCtx, value: unknown) => Promise<unknown>;
}
const inline = { inline: true };
const kinds: Record<string, Kind> = {
  query: {
    ref: steps.echoQuery as never,
    run: (step, value) => step.runQuery(steps.echoQuery, { value }),
  },
  mutation: {
    ref: steps.echo,
    run: (step, value) => step.runMutation(steps.echo, { value }),
  },
  action: {
    ref: steps.echoAction as never,
    run: (step, value) => step.runAction(steps.echoAction, { value }),
  },
  "inline query": {
    ref: steps.echoQuery as never,
    run: (step, value) => step.runQuery(steps.echoQuery, { value }, inline),
  },
  "inline mutation": {
    ref: steps.echo,
    run: (step, value) => step.runMutation(steps.echo, { value }, inline),
  },
};

const both = ["driver", "pool"] as const;
const everyKind = both.flatMap((execution) =>
  Object.entries(kinds).map(
    ([name, kind]) => [`${name}, ${execution}`, kind, { execution }] as const,
  ),
);

describe.each(everyKind)("mockStep: %s", (_title, { ref, run }, options) => {
  const runTwice = async (step: WorkflowCtx) => [
    await run(step, 1),
    await run(step, 2),
  ];
  const startIt = (
    t: ReturnType<typeof newTest>,
    handler: (step: WorkflowCtx) => Promise<unknown>,
    name = "main",
  ) => start(t, handler, { ...options, name });

  test("the step calls the mock with its arguments and gets its result, but another backend's step doesn't", async () => {
    const [t, other] = [newTest(), newTest()];
    const fn = vi.fn(({ value }: { value: number }) => `mock ${value}`);
    mockStep(t, ref, fn as never);
    const id = await startIt(t, runTwice);
    const real = await startIt(other, runTwice);
    expect(
      await Promise.all([waitForRun(t, id), waitForRun(other, real)]),
    ).toEqual([done(["mock 1", "mock 2"]), done([1, 2])]);
    expect(fn.mock.calls).toEqual([[{ value: 1 }], [{ value: 2 }]]);
    expect(await effects(t)).toEqual([]);
  });

  test("an error from the mock fails the step, the handler can catch it, and a ConvexError keeps its data", async () => {
    const t = newTest();
    const errors = [new Error("down"), new ConvexError({ code: 7n })];
    mockStep(t, ref, () => {
      throw errors.shift() ?? new Error("still down");
    });
    const caught = async (step: WorkflowCtx) =>
      await run(step, 1).catch((error: Error) =>
        error instanceof ConvexError ? (error.data as unknown) : error.message,
      );
    const id = await startIt(t, async (step) => [
      await caught(step),
      await caught(step),
    ]);
    expect(await waitForRun(t, id)).toEqual(done(["down", { code: 7n }]));
    const failing = await startIt(t, (step) => run(step, 1), "failing");
    expect(await waitForRun(t, failing)).toEqual(failed("still down"));
  });

  test("the mock must return a Convex value, like a function", async () => {
    const t = newTest();
    let result: unknown;
    mockStep(t, ref, () => result);
    const resultIs = async (value: unknown, name: string) => {
      result = value;
      return await waitForRun(t, await startIt(t, (s) => run(s, 1), name));
    };
    expect(await resultIs(undefined, "a")).toEqual(done(null));
    expect(await resultIs(Promise.resolve({ a: 1n }), "b")).toEqual(
      done({ a: 1n }),
    );
    expect(await resultIs(new Date(), "c")).toMatchObject({
      type: "failed",
      error: expect.stringContaining("not a supported Convex type") as string,
    });
  });

  test("after undo, the step calls its function or an earlier mock again", async () => {
    const t = newTest();
    const undoFirst = mockStep(t, ref, () => "first");
    const undoSecond = mockStep(t, ref, () => "second");
    const next = async (name: string) =>
      await waitForRun(t, await startIt(t, (s) => run(s, 1), name));
    expect(await next("a")).toEqual(done("second"));
    undoSecond();
    expect(await next("b")).toEqual(done("first"));
    undoFirst();
    expect(await next("c")).toEqual(done(1));
  });
});

describe.each(both)("mockStep: retries, %s", (execution) => {
  const flaky = (step: WorkflowCtx) =>
    step.runAction(steps.echoAction, { value: 1 }, { retry: true });

  test("a mock that throws is retried like its action", async () => {
    const t = newTest();
    let attempts = 0;
    mockStep(t, steps.echoAction, () => {
      if (++attempts < 3) throw new Error("down");
      return attempts;
    });
    const id = await start(t, flaky, { execution });
    expect(await waitForRun(t, id)).toEqual(done(3));
  });

  test("a NonRetryableError stops the retries", async () => {
    const t = newTest();
    const fn = vi.fn(() => {
      throw new NonRetryableError("no such card");
    });
    mockStep(t, steps.echoAction, fn);
    const id = await start(t, flaky, { execution });
    expect(await waitForRun(t, id)).toEqual(failed("no such card"));
    expect(fn).toHaveBeenCalledTimes(1);
  });

  test("a mock that is set or undone between attempts affects the next attempt", async () => {
    const t = newTest();
    const undo = mockStep(t, steps.echoAction, () => {
      undo();
      throw new Error("down");
    });
    const id = await start(t, flaky, { execution });
    expect(await waitForRun(t, id)).toEqual(done(1));
  });

  test("a mock that is set before a step executes is used, even if the run has already asked for the step", async () => {
    const t = newTest();
    const id = await start(t, flaky, { execution });
    mockStep(t, steps.echoAction, () => "mock");
    expect(await waitForRun(t, id)).toEqual(done("mock"));
  });
});

describe("mockStep: children", () => {
  const parent = async (step: WorkflowCtx) =>
    await step.runWorkflow(workflows.workflow, { handler: "child", input: 5 });

  test("a mocked child calls the mock with its arguments instead of its handler", async () => {
    const t = newTest();
    script("handler", "child", async () => "real");
    const fn = vi.fn(() => "mock");
    mockStep(t, workflows.workflow, fn);
    const id = await start(t, parent);
    expect(await waitForRun(t, id)).toEqual(done("mock"));
    expect(fn.mock.calls).toEqual([[{ handler: "child", input: 5 }]]);
  });

  test("a run that the app starts isn't mocked", async () => {
    const t = newTest();
    mockStep(t, workflows.workflow, () => "mock");
    for (const startAsync of [true, false]) {
      const name = `${startAsync}`;
      const id = await start(
        t,
        async (step) => {
          await step.awaitEvent({ name: "go" });
          return "real";
        },
        { name, startAsync },
      );
      await send(t, id, "go");
      expect(await waitForRun(t, id)).toEqual(done("real"));
    }
  });

  test("an error from the mock fails the child and keeps its data", async () => {
    const t = newTest();
    mockStep(t, workflows.workflow, async () => {
      throw new ConvexError("sold out");
    });
    const id = await start(t, (step) =>
      parent(step).catch((error: unknown) =>
        error instanceof ConvexError ? (error.data as unknown) : error,
      ),
    );
    expect(await waitForRun(t, id)).toEqual(done("sold out"));
    mockStep(t, workflows.workflow, () => new Date());
    const failing = await start(t, parent, { name: "failing" });
    expect(await waitForRun(t, failing)).toMatchObject({ type: "failed" });
  });
});

describe("mockStep: references", () => {
  test("a component's function, a function handle and a function called by its handle can be mocked", async () => {
    const t = newTest();
    const { create } = components.workflow.event;
    mockStep(t, create, ({ name }) => `event ${name}` as never);
    mockStep(t, steps.echo, () => "mock");
    const handleOf = (ref: typeof steps.echo) =>
      t.run(() => createFunctionHandle(ref));
    const handle = await handleOf(steps.echo);
    const byHandle = (await handleOf(steps.fail as never)) as never;
    mockStep(t, byHandle as typeof steps.echo, () => "by handle");
    const id = await start(t, async (step) => {
      const { workflowId } = step;
      const args = { workflowId, name: "e" };
      return [
        await step.runMutation(create, args),
        await step.runMutation(create, args, inline),
        await step.runMutation(handle, { value: 1 }),
        await step.runMutation(handle, { value: 1 }, inline),
        await step.runMutation(steps.fail, { message: "real" }),
      ];
    });
    expect(await waitForRun(t, id)).toEqual(
      done(["event e", "event e", "mock", "mock", "by handle"]),
    );
  });

  test("only steps call the mock, not the test, another function or onComplete", async () => {
    const t = newTest();
    const fn = vi.fn(() => "mock");
    for (const ref of [steps.echo, steps.ended]) mockStep(t, ref, fn as never);
    expect(await t.mutation(steps.echo, { value: "test" })).toBe("test");
    script("mutation", "outer", (ctx) =>
      ctx.runMutation(steps.echo, { value: "outer" }),
    );
    const id = await start(
      t,
      async (step) => [
        await step.runMutation(steps.mutation, { name: "outer" }),
        await step.runMutation(steps.mutation, { name: "outer" }, inline),
      ],
      { onComplete: steps.ended, context: 1 },
    );
    await finishWorkflows(t);
    expect(await waitForRun(t, id)).toEqual(done(["outer", "outer"]));
    expect(await effects(t)).toEqual(["test", "outer", "outer"]);
    const ended = await t.run((ctx) => ctx.db.query("ended").collect());
    expect(ended).toHaveLength(1);
    expect(fn).not.toHaveBeenCalled();
  });

  test.each(both)(
    "an action's or query's mock can use the backend, %s",
    async (execution) => {
      const t = newTest();
      mockStep(t, steps.echoAction, async () => {
        await t.mutation(steps.echo, { value: "written by the mock" });
        return 1;
      });
      mockStep(t, steps.echoQuery, () => effects(t));
      const id = await start(
        t,
        async (step) => [
          await step.runAction(steps.echoAction, { value: 0 }),
          await step.runQuery(steps.echoQuery, { value: 0 }),
        ],
        { execution },
      );
      expect(await waitForRun(t, id)).toEqual(
        done([1, ["written by the mock"]]),
      );
    },
  );

  test("mocks of parallel actions run at the same time", async () => {
    const t = newTest();
    let running = 0;
    let most = 0;
    mockStep(t, steps.echoAction, async ({ value }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      running--;
      return value as unknown;
    });
    const id = await start(t, (step) =>
      Promise.all(
        [1, 2, 3].map((value) => step.runAction(steps.echoAction, { value })),
      ),
    );
    expect(await waitForRun(t, id)).toEqual(done([1, 2, 3]));
    expect(most).toBe(3);
  });

  test("the mock gets a copy of the arguments, and its result is copied", async () => {
    const t = newTest();
    const kept: unknown[] = [];
    const result = { list: [1] };
    mockStep(t, steps.echo, ({ value }: { value: unknown[] }) => {
      value.push("changed");
      kept.push(value);
      return result;
    });
    const id = await start(t, async (step) => {
      const value = ["asked"];
      const own = (await step.runMutation(steps.echo, { value })) as {
        list: number[];
      };
      own.list.push(2);
      await step.sleep(1);
      return { value, own };
    });
    expect(await waitForRun(t, id)).toEqual(
      done({ value: ["asked"], own: { list: [1, 2] } }),
    );
    expect(kept).toEqual([["asked", "changed"]]);
    expect(result).toEqual({ list: [1] });
  });

  test("two registered instances", async () => {
    const t = newTest("other");
    mockStep(t, steps.echo, () => "mock");
    const handler = async (step: WorkflowCtx) => [
      await step.runMutation(steps.echo, { value: 1 }),
      await step.runMutation(steps.echo, { value: 1 }, inline),
    ];
    await start(t, async () => 0, { name: "first" });
    const workflow = internal.strangers.elsewhere;
    const id = await start(t, handler, { workflow });
    expect(await waitForRun(t, id, { name: "other" })).toEqual(
      done(["mock", "mock"]),
    );
  });
});
