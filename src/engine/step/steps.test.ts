import {
  createFunctionHandle,
  type FunctionReference,
  type GenericActionCtx,
  type GenericDataModel,
} from "convex/server";
import { describe, expect, test } from "vitest";
import { internal } from "../../testing/app/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  advance,
  components,
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
  type Backend,
} from "../../testing/harness.js";
import { listenToConsole } from "../../testing/managing.js";
import {
  createEvent,
  getStatus,
  type WorkflowCtx,
} from "../../client/index.js";

useBackend();
listenToConsole();

/** What the handler returned. */
async function resultOf(t: Backend, handler: Handler): Promise<any> {
  const { status } = await runHandler(t, handler);
  if (status.type !== "completed") throw new Error(JSON.stringify(status));
  return status.result;
}

const child = { handler: "child" };

describe("every step is recorded", () => {
  test("with its kind, name, arguments, result and times", async () => {
    const t = newBackend();
    script("handler", "child", async () => "from the child");
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runQuery(steps.echoQuery, { value: 1 });
      await step.runMutation(steps.echo, { value: 2 });
      await step.runAction(steps.echoAction, { value: 3 });
      await step.runWorkflow(workflows.workflow, child);
      await step.sleep(1000);
      const id = await createEvent(step, components.workflow, {
        name: "news",
        workflowId: step.workflowId,
      });
      await step.awaitEvent({ id, timeout: 1 }).catch(() => undefined);
      await step.runMutation(steps.echo, { value: 4 }, { inline: true });
    });
    const rows = await journal(t, workflowId);
    const success = (returnValue: unknown) => ({
      inProgress: false,
      runResult: { kind: "success", returnValue },
    });
    const eventId = expect.any(String) as unknown;
    expect(rows.map(({ step }) => step)).toMatchObject([
      {
        kind: "function",
        functionType: "query",
        name: "steps:echoQuery",
        args: { value: 1 },
        ...success(1),
      },
      {
        kind: "function",
        functionType: "mutation",
        name: "steps:echo",
        args: { value: 2 },
        ...success(2),
      },
      {
        kind: "function",
        functionType: "action",
        name: "steps:echoAction",
        args: { value: 3 },
        ...success(3),
      },
      {
        kind: "workflow",
        name: "workflows:workflow",
        args: child,
        ...success("from the child"),
      },
      { kind: "sleep", name: "sleep", args: {}, ...success(null) },
      { functionType: "mutation", args: { name: "news", workflowId } },
      {
        kind: "event",
        args: { eventId },
        runResult: { kind: "failed" },
      },
      { kind: "function", functionType: "mutation", ...success(4) },
    ]);
    for (const [at, { stepNumber, step }] of rows.entries()) {
      expect(stepNumber).toBe(at);
      expect(step.completedAt).toBeGreaterThanOrEqual(step.startedAt);
    }
    expect(sleepOf(rows[4]!)).toBe(1000);
  });

  test("and runs once, although the handler is executed many times", async () => {
    const t = newBackend();
    const calls: string[] = [];
    for (const kind of ["query", "mutation", "action"] as const)
      script(kind, "count", () => void calls.push(kind));
    let executions = 0;
    const count = { name: "count" };
    await runHandler(t, async (step) => {
      executions++;
      await step.runQuery(steps.query, count);
      await step.runMutation(steps.mutation, count);
      await step.runAction(steps.action, count);
      await step.runQuery(steps.query, count, { inline: true });
      await step.runMutation(steps.mutation, count, { inline: true });
      await step.sleep(10);
    });
    expect(executions).toBeGreaterThan(3);
    expect(calls).toEqual(["query", "mutation", "action", "query", "mutation"]);
  });

  test("workflowId is the run's id, in a nested run the nested run's", async () => {
    const t = newBackend();
    script("handler", "child", async (step) => step.workflowId);
    const { workflowId, status } = await runHandler(t, async (step) => [
      step.workflowId,
      await step.runWorkflow(workflows.workflow, child),
    ]);
    const [nested] = (await journal(t, workflowId)).map(({ step }) =>
      step.kind === "workflow" ? step.workflowId : undefined,
    );
    expect(nested).toBeDefined();
    expect(status).toMatchObject({ result: [workflowId, nested] });
  });

  test("a function that returns nothing results in null, and a sleep in undefined", async () => {
    const t = newBackend();
    script("mutation", "nothing", () => undefined);
    script("action", "nothing", () => undefined);
    script("handler", "child", async () => undefined);
    const nothing = { name: "nothing" };
    let slept: unknown = "not yet";
    const result = await resultOf(t, async (step) => {
      slept = await step.sleep(1);
      return [
        await step.runQuery(internal.folder.inner.nothing),
        await step.runMutation(steps.mutation, nothing),
        await step.runAction(steps.action, nothing),
        await step.runMutation(steps.mutation, nothing, { inline: true }),
        await step.runWorkflow(workflows.workflow, child),
      ];
    });
    expect(result).toEqual([null, null, null, null, null]);
    expect(slept).toBeUndefined();
  });

  test("arguments are those of the call, even if the handler changes them later", async () => {
    const t = newBackend();
    const result = await resultOf(t, async (step) => {
      const value = [1];
      const asked = step.runMutation(steps.echo, { value });
      value.push(2);
      return await asked;
    });
    expect(result).toEqual([1]);
    expect(await effects(t)).toEqual([[1]]);
  });

  test("values of every Convex type survive a step and its replay", async () => {
    const t = newBackend();
    const value = {
      int: 5n,
      bytes: new Uint8Array([1, 2]).buffer,
      float: -0.5,
      nothing: null,
      list: [true, "x"],
    };
    const seen: unknown[] = [];
    await runHandler(t, async (step) => {
      seen.push(await step.runAction(steps.echoAction, { value }));
      seen.push(
        await step.runMutation(steps.echo, { value }, { inline: true }),
      );
      await step.sleep(1);
    });
    expect(seen.length).toBeGreaterThan(2);
    for (const each of seen) expect(each).toEqual(value);
  });
});

describe("a step's name", () => {
  const nameOf = async (t: Backend, handler: Handler) => {
    const { workflowId } = await runHandler(t, handler);
    return (await journal(t, workflowId)).map(({ step }) => step.name);
  };

  test("is folder/file:function by default", async () => {
    const names = await nameOf(newBackend(), async (step) => {
      await step.runQuery(internal.folder.inner.nothing);
      await step.runMutation(steps.echo, { value: 1 });
    });
    expect(names).toEqual(["folder/inner:nothing", "steps:echo"]);
  });

  test("is the name that the call passes, for every kind", async () => {
    script("handler", "child", async () => null);
    const names = await nameOf(newBackend(), async (step) => {
      const value = 1;
      await step.runQuery(steps.echoQuery, { value }, { name: "q" });
      await step.runMutation(steps.echo, { value }, { name: "m" });
      await step.runAction(steps.echoAction, { value }, { name: "a" });
      await step.runWorkflow(workflows.workflow, child, { name: "w" });
      await step.runMutation(
        steps.echo,
        { value },
        { name: "i", inline: true },
      );
      await step.sleep(1, { name: "s" });
    });
    expect(names).toEqual(["q", "m", "a", "w", "i", "s"]);
  });

  test("of a nested workflow doesn't rename the nested run", async () => {
    const t = newBackend();
    script("handler", "child", async () => null);
    await runHandler(t, async (step) => {
      await step.runWorkflow(workflows.workflow, child, { name: "w" });
    });
    const names = await t.query((ctx) =>
      ctx.runQuery(components.workflow.workflow.listByName, {
        name: "workflows:workflow",
        order: "asc",
        paginationOpts: { cursor: null, numItems: 10 },
      }),
    );
    expect(names.page).toHaveLength(2);
  });
});

describe("runAt and runAfter", () => {
  const now = () => Date.now();
  const wait = 3_600_000;
  const timed = { name: "now" };
  const at = (step: WorkflowCtx) =>
    [
      [
        "query",
        (options: object) => step.runQuery(steps.query, timed, options),
      ],
      [
        "mutation",
        (options: object) => step.runMutation(steps.mutation, timed, options),
      ],
      [
        "action",
        (options: object) => step.runAction(steps.action, timed, options),
      ],
      [
        "workflow",
        (options: object) =>
          step.runWorkflow(workflows.workflow, child, options),
      ],
    ] as const;
  const kinds = at({} as WorkflowCtx).map(([kind], index) => ({ kind, index }));

  function scriptTimes() {
    script("query", "now", now);
    script("mutation", "now", now);
    script("action", "now", now);
    script("handler", "child", async () => Date.now());
  }

  test.each(kinds)("$kind: runAfter starts it after that delay", async (of) => {
    const t = newBackend();
    scriptTimes();
    const start = now();
    const ran = await resultOf(t, (step) =>
      at(step)[of.index]![1]({ runAfter: wait }),
    );
    expect(ran - start).toBeGreaterThanOrEqual(wait);
    expect(ran - start).toBeLessThan(wait + 5000);
  });

  test.each(kinds)("$kind: runAt starts it at that time", async (of) => {
    const t = newBackend();
    scriptTimes();
    const runAt = now() + wait;
    const ran = await resultOf(t, (step) => at(step)[of.index]![1]({ runAt }));
    expect(ran).toBeGreaterThanOrEqual(runAt);
    expect(ran).toBeLessThan(runAt + 5000);
  });

  test.each(kinds)("$kind: a time that has passed means now", async (of) => {
    const t = newBackend();
    scriptTimes();
    const start = now();
    const ran = await resultOf(t, (step) =>
      at(step)[of.index]![1]({ runAt: start - wait }),
    );
    expect(ran - start).toBeLessThan(5000);
  });

  test("a step that is due later doesn't hold up its siblings", async () => {
    const t = newBackend();
    const id = await startHandler(t, async (step) => {
      await Promise.all([
        step.runMutation(steps.echo, { value: "late" }, { runAfter: wait }),
        step
          .runMutation(steps.echo, { value: 1 })
          .then(() => step.runMutation(steps.echo, { value: 2 })),
      ]);
      return "done";
    });
    await advance(wait / 2);
    expect(await effects(t)).toEqual([1, 2]);
    await drain();
    expect(await effects(t)).toEqual([1, 2, "late"]);
    expect(await statusOf(t, id)).toEqual({
      type: "completed",
      result: "done",
    });
  });
});

describe("sleep", () => {
  const DAY = 24 * 3_600_000;
  const slept = async (ms: number) => {
    const t = newBackend();
    const { workflowId } = await runHandler(t, (step) => step.sleep(ms));
    const [row] = await journal(t, workflowId);
    return sleepOf(row!);
  };

  test.each([0, 1, 1000, 20 * DAY, 30 * DAY, 800 * DAY])(
    "takes %d ms",
    async (ms) => {
      expect(await slept(ms)).toBe(ms);
    },
  );

  test("of a negative duration takes no time", async () => {
    expect(await slept(-5)).toBe(0);
  });

  test("of an invalid duration rejects with step name and value, and records nothing", async () => {
    const t = newBackend();
    const { workflowId, status } = await runHandler(t, async (step) => {
      const errors: string[] = [];
      for (const ms of [NaN, Infinity])
        await step
          .sleep(ms, { name: "nap" })
          .catch((error: Error) => errors.push(error.message));
      return errors;
    });
    expect(status).toMatchObject({
      result: [
        expect.stringMatching(/step "nap": NaN.*milliseconds/),
        expect.stringMatching(/step "nap": Infinity.*milliseconds/),
      ],
    });
    expect(await journal(t, workflowId)).toEqual([]);
  });
});

describe("a step's function may be", () => {
  test("a function handle, of every kind and inline", async () => {
    const t = newBackend();
    script("handler", "child", async (_step, input) => ["child", input]);
    const handles = await t.run(async () => ({
      query: await createFunctionHandle(steps.echoQuery),
      mutation: await createFunctionHandle(steps.echo),
      action: await createFunctionHandle(steps.echoAction),
      workflow: await createFunctionHandle(workflows.workflow),
    }));
    const result = await resultOf(t, async (step) => [
      await step.runQuery(handles.query, { value: 1 }),
      await step.runMutation(handles.mutation, { value: 2 }),
      await step.runAction(handles.action, { value: 3 }),
      await step.runMutation(handles.mutation, { value: 4 }, { inline: true }),
      await step.runWorkflow(handles.workflow, { ...child, input: 5 }),
    ]);
    expect(result).toEqual([1, 2, 3, 4, ["child", 5]]);
    expect(await effects(t)).toEqual([2, 4]);
  });

  test("a component's function, inline too", async () => {
    const t = newBackend();
    const { workflowId, status } = await runHandler(t, async (step) => {
      const { workflow, event } = components.workflow;
      const { workflowId } = step;
      const eventId = await step.runMutation(event.create, {
        name: "news",
        workflowId,
      });
      const inline = await step.runMutation(
        event.create,
        { name: "more news", workflowId },
        { inline: true },
      );
      const seen = await step.runQuery(workflow.getStatus, { workflowId });
      return [seen.workflow._id, typeof eventId, typeof inline];
    });
    expect(status).toMatchObject({ result: [workflowId, "string", "string"] });
  });
});

test("the step context can replace an action's ctx if only its run methods are used, for the type checker too", async () => {
  type Runner = Pick<
    GenericActionCtx<GenericDataModel>,
    "runQuery" | "runMutation" | "runAction"
  >;
  const library = async (
    ctx: Runner,
    echo: FunctionReference<"action", "internal", { value: any }, any>,
  ): Promise<unknown[]> => [
    await ctx.runQuery(steps.echoQuery, { value: 1 }),
    await ctx.runMutation(steps.echo, { value: 2 }),
    await ctx.runAction(echo, { value: 3 }),
  ];
  const result = await resultOf(newBackend(), async (step) => [
    ...(await library(step, steps.echoAction)),
    (await getStatus(step, components.workflow, step.workflowId)).type,
  ]);
  expect(result).toEqual([1, 2, 3, "inProgress"]);
});

/** How long a sleep took. A commit of convex-test may come a millisecond after the time it is due. */
function sleepOf({ step, timer }: Awaited<ReturnType<typeof journal>>[number]) {
  const asked = timer!.endsAt - step.startedAt;
  const took = step.completedAt! - step.startedAt;
  expect([asked, asked + 1]).toContain(took);
  return asked;
}
