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
import { script, type Handler } from "../testing/app/scripts.js";
import { effects, useFakeTimers } from "../testing/harness.js";
import { newTest, send, start, type Test } from "../testing/userSetup.js";

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

/** Starts a run of a handler, and returns how it ends. */
async function end(
  t: Test,
  handler: Handler,
  options: { execution?: "driver" | "pool" } = {},
) {
  const id = await start(t, handler, { name: `${runs++}`, ...options });
  return await waitForRun(t, id);
}
let runs = 0;

/** Runs a step, and returns what it throws. */
const caught = (step: Promise<unknown>) =>
  step.then(
    () => "nothing",
    (error: Error) =>
      error instanceof ConvexError ? (error.data as unknown) : error.message,
  );

const both = ["driver", "pool"] as const;
const everyKind = both.flatMap((execution) =>
  Object.entries(kinds).map(
    ([name, kind]) => [`${name}, ${execution}`, kind, { execution }] as const,
  ),
);

describe.each(everyKind)("mockStep: %s", (_title, { ref, run }, options) => {
  test("the step calls the mock with its arguments and gets its result, but another backend's step doesn't", async () => {
    const [t, other] = [newTest(), newTest()];
    const fn = vi.fn(({ value }: { value: number }) => `mock ${value}`);
    mockStep(t, ref, fn as never);
    const runTwice: Handler = async (step) => [
      await run(step, 1),
      await run(step, 2),
    ];
    expect([
      await end(t, runTwice, options),
      await end(other, runTwice, options),
    ]).toEqual([done(["mock 1", "mock 2"]), done([1, 2])]);
    expect(fn.mock.calls).toEqual([[{ value: 1 }], [{ value: 2 }]]);
    expect(await effects(t)).toEqual([]);
  });

  test("an error from the mock fails the step, the handler can catch it, and a ConvexError keeps its data", async () => {
    const t = newTest();
    const errors = [new Error("down"), new ConvexError({ code: 7n })];
    mockStep(t, ref, () => {
      throw errors.shift() ?? new Error("still down");
    });
    const catches: Handler = async (step) => [
      await caught(run(step, 1)),
      await caught(run(step, 1)),
    ];
    expect(await end(t, catches, options)).toEqual(
      done(["down", { code: 7n }]),
    );
    expect(await end(t, (step) => run(step, 1), options)).toEqual(
      failed("still down"),
    );
  });

  test("the mock must return a Convex value, like a function, and after undo, the step calls its function or an earlier mock again", async () => {
    const t = newTest();
    const next = () => end(t, (step) => run(step, 1), options);
    let result: unknown;
    const undoFirst = mockStep(t, ref, () => result);
    expect(await next()).toEqual(done(null));
    result = new Date();
    expect(await next()).toMatchObject({
      type: "failed",
      error: expect.stringContaining("not a supported Convex type") as string,
    });
    result = Promise.resolve({ a: 1n });
    const undoSecond = mockStep(t, ref, () => "second");
    expect(await next()).toEqual(done("second"));
    undoSecond();
    expect(await next()).toEqual(done({ a: 1n }));
    undoFirst();
    expect(await next()).toEqual(done(1));
  });
});

describe.each(both)("mockStep: %s", (execution) => {
  const flaky: Handler = (step) =>
    step.runAction(steps.echoAction, { value: 1 }, { retry: true });

  test("a mock that throws is retried like its action, unless it throws a NonRetryableError", async () => {
    const t = newTest();
    let attempts = 0;
    mockStep(t, steps.echoAction, () => {
      if (++attempts < 3) throw new Error("down");
      if (attempts === 4) throw new NonRetryableError("no such card");
      return attempts;
    });
    expect(await end(t, flaky, { execution })).toEqual(done(3));
    expect(await end(t, flaky, { execution })).toEqual(failed("no such card"));
    expect(attempts).toBe(4);
  });

  test("a mock that is set or undone between attempts, or before a step that the run has asked for executes, affects the next attempt", async () => {
    const t = newTest();
    const undo = mockStep(t, steps.echoAction, () => {
      undo();
      throw new Error("down");
    });
    expect(await end(t, flaky, { execution })).toEqual(done(1));
    const id = await start(t, flaky, { execution });
    mockStep(t, steps.echoAction, () => "mock");
    expect(await waitForRun(t, id)).toEqual(done("mock"));
  });

  test("a mock of an action or a query can use the backend", async () => {
    const t = newTest();
    mockStep(t, steps.echoAction, async () => {
      await t.mutation(steps.echo, { value: "written by the mock" });
      return 1;
    });
    mockStep(t, steps.echoQuery, () => effects(t));
    const asks: Handler = async (step) => [
      await step.runAction(steps.echoAction, { value: 0 }),
      await step.runQuery(steps.echoQuery, { value: 0 }),
    ];
    expect(await end(t, asks, { execution })).toEqual(
      done([1, ["written by the mock"]]),
    );
  });
});

test("mockStep: a mocked child calls the mock with its arguments instead of its handler, and fails with the mock's error and its data", async () => {
  const t = newTest();
  const parent: Handler = (step) =>
    step.runWorkflow(workflows.workflow, { handler: "child", input: 5 });
  script("handler", "child", async () => "real");
  const fn = vi.fn(() => "mock");
  mockStep(t, workflows.workflow, fn);
  expect(await end(t, parent)).toEqual(done("mock"));
  expect(fn.mock.calls).toEqual([[{ handler: "child", input: 5 }]]);
  mockStep(t, workflows.workflow, async () => {
    throw new ConvexError("sold out");
  });
  expect(await end(t, (step, input) => caught(parent(step, input)))).toEqual(
    done("sold out"),
  );
  mockStep(t, workflows.workflow, () => new Date());
  expect(await end(t, parent)).toMatchObject({ type: "failed" });
});

describe("mockStep", () => {
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
    const ended = await end(t, async (step) => {
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
    expect(ended).toEqual(
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
    const ended = await end(t, (step) =>
      Promise.all(
        [1, 2, 3].map((value) => step.runAction(steps.echoAction, { value })),
      ),
    );
    expect(ended).toEqual(done([1, 2, 3]));
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
    const ended = await end(t, async (step) => {
      const value = ["asked"];
      const own = (await step.runMutation(steps.echo, { value })) as {
        list: number[];
      };
      own.list.push(2);
      await step.sleep(1);
      return { value, own };
    });
    expect(ended).toEqual(done({ value: ["asked"], own: { list: [1, 2] } }));
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
