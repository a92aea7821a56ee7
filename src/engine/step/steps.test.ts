import {
  componentsGeneric,
  createFunctionHandle,
  type FunctionReference,
  type GenericActionCtx,
  type GenericDataModel,
} from "convex/server";
import { describe, expect, test } from "vitest";
import { internal } from "../../testing/app/_generated/api.js";
import type { Handler } from "../../testing/app/scripts.js";
import {
  components,
  drain,
  effects,
  journal,
  newBackend,
  runHandler,
  script,
  statusOf,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { listenToConsole, restart } from "../../testing/managing.js";
import { completed } from "../../testing/statuses.js";
import { scriptSteps, stepKinds } from "../../testing/values.js";
import {
  createEvent,
  getStatus,
  list,
  listByName,
  listSteps,
  type WorkflowId,
} from "../../client/index.js";
import { DAY } from "../../testing/units.js";

useBackend();
listenToConsole();

/** Returns the handler's result. */
async function resultOf(handler: Handler, t = newBackend()): Promise<any> {
  const { status } = await runHandler(t, handler);
  if (status.type !== "completed") throw new Error(JSON.stringify(status));
  return status.result;
}

const child = { handler: "child" };

const names = async (t: Backend, workflowId: WorkflowId) =>
  (await journal(t, workflowId)).map(({ step }) => step.name);

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
    const done = (fields: object, returnValue: unknown) => ({
      ...fields,
      inProgress: false,
      runResult: { kind: "success", returnValue },
    });
    const fn = (functionType: string, name: string, value: number) =>
      done({ kind: "function", functionType, name, args: { value } }, value);
    expect(rows.map(({ step }) => step)).toMatchObject([
      fn("query", "steps:echoQuery", 1),
      fn("mutation", "steps:echo", 2),
      fn("action", "steps:echoAction", 3),
      done(
        { kind: "workflow", name: "workflows:workflow", args: child },
        "from the child",
      ),
      done({ kind: "sleep", name: "sleep", args: {} }, null),
      { functionType: "mutation", args: { name: "news", workflowId } },
      {
        kind: "event",
        args: { eventId: expect.any(String) as unknown },
        runResult: { kind: "failed" },
      },
      fn("mutation", "steps:echo", 4),
    ]);
    for (const [at, { stepNumber, step }] of rows.entries()) {
      expect(stepNumber).toBe(at);
      expect(step.completedAt).toBeGreaterThanOrEqual(step.startedAt);
    }
    expect(sleepOf(rows[4]!)).toBe(1000);
  });

  const value = {
    int: 5n,
    bytes: new Uint8Array([1, 2]).buffer,
    float: -0.5,
    nothing: null,
    list: [true, "x"],
  };
  test.each<[string, unknown, unknown]>([
    ["a value of every Convex type as it is", value, value],
    ["null for a function that returns nothing", undefined, null],
  ])(
    "and runs once although the handler executes many times, and returns %s",
    async (_what, returned, given) => {
      const ran = scriptSteps(() => returned);
      const seen: unknown[] = [];
      let executions = 0;
      await runHandler(newBackend(), async (step) => {
        executions++;
        for (const [, run] of stepKinds) seen.push(await run(step));
        expect(await step.sleep(10)).toBeUndefined();
      });
      expect(executions).toBeGreaterThan(3);
      expect(ran.count).toBe(stepKinds.length);
      expect(seen.length).toBeGreaterThan(2 * stepKinds.length);
      for (const each of seen) expect(each).toEqual(given);
    },
  );

  test("arguments keep their values at the call, even if the handler changes them later", async () => {
    const t = newBackend();
    const result = await resultOf(async (step) => {
      const numbers = [1];
      const asked = step.runMutation(steps.echo, { value: numbers });
      numbers.push(2);
      return await asked;
    }, t);
    expect(result).toEqual([1]);
    expect(await effects(t)).toEqual([[1]]);
  });
});

test("for every kind, a step's name is the name passed or else folder/file:function", async () => {
  const t = newBackend();
  scriptSteps(() => null);
  const { workflowId } = await runHandler(t, async (step) => {
    await step.runQuery(internal.folder.inner.nothing);
    await step.runMutation(steps.echo, { value: 1 });
    for (const [name, run] of stepKinds) await run(step, {}, { name });
    await step.sleep(1, { name: "s" });
  });
  expect(await names(t, workflowId)).toEqual([
    "folder/inner:nothing",
    "steps:echo",
    ...stepKinds.map(([name]) => name),
    "s",
  ]);
  // The nested run keeps its own.
  const runs = await t.query((ctx) =>
    listByName(ctx, components.workflow, "workflows:workflow"),
  );
  expect(runs.page).toHaveLength(2);
});

describe("runAt and runAfter", () => {
  const wait = 3_600_000;
  const delayed = stepKinds.filter(([kind]) => !kind.startsWith("inline"));

  test.each(delayed)(
    "a %s starts after that delay, or at that time, or now if it has passed",
    async (_kind, run) => {
      scriptSteps(() => Date.now());
      for (const [optionsAt, delay] of [
        [() => ({ runAfter: wait }), wait],
        [(now: number) => ({ runAt: now + wait }), wait],
        [(now: number) => ({ runAt: now - wait }), 0],
      ] as const) {
        const now = Date.now();
        const ran = await resultOf((step) => run(step, {}, optionsAt(now)));
        expect(ran - now).toBeGreaterThanOrEqual(delay);
        expect(ran - now).toBeLessThan(delay + 5000);
      }
    },
  );
});

describe("sleep", () => {
  test.each([-5, 0, 1, 1000, 20 * DAY, 30 * DAY, 800 * DAY])(
    "takes %d ms, or no time if that is negative",
    async (ms) => {
      const t = newBackend();
      const { workflowId } = await runHandler(t, (step) => step.sleep(ms));
      const [row] = await journal(t, workflowId);
      expect(sleepOf(row!)).toBe(Math.max(0, ms));
    },
  );
});

describe("a step's function may be", () => {
  test("a function handle of any kind, even inline, and its step has the name after function://", async () => {
    const t = newBackend();
    script("handler", "child", async (_step, input) => ["child", input]);
    const { echoQuery, echo, echoAction, workflow } = await t.run(async () => ({
      echoQuery: await createFunctionHandle(steps.echoQuery),
      echo: await createFunctionHandle(steps.echo),
      echoAction: await createFunctionHandle(steps.echoAction),
      workflow: await createFunctionHandle(workflows.workflow),
    }));
    const { workflowId, status } = await runHandler(t, async (step) => [
      await step.runQuery(echoQuery, { value: 1 }),
      await step.runMutation(echo, { value: 2 }),
      await step.runAction(echoAction, { value: 3 }),
      await step.runMutation(echo, { value: 4 }, { inline: true }),
      await step.runWorkflow(workflow, { ...child, input: 5 }),
    ]);
    expect(status).toEqual(completed([1, 2, 3, 4, ["child", 5]]));
    expect(await effects(t)).toEqual([2, 4]);
    expect(await names(t, workflowId)).toEqual(
      [echoQuery, echo, echoAction, echo, workflow].map((handle) =>
        handle.replace("function://", ""),
      ),
    );
  });

  test("a component's function, even inline, and its step has the names of component, module and function", async () => {
    const t = newBackend();
    const { workflowId, status } = await runHandler(t, async (step) => {
      const { workflow, event } = components.workflow;
      const own = { workflowId: step.workflowId };
      const args = { name: "news", ...own };
      const created = [
        await createEvent(step, components.workflow, args),
        await step.runMutation(event.create, args, { inline: true }),
      ];
      const seen = await step.runQuery(workflow.getStatus, own);
      return [seen.workflow._id, ...created.map((id) => typeof id)];
    });
    expect(status).toEqual(completed([workflowId, "string", "string"]));
    expect(await names(t, workflowId)).toEqual([
      "workflow/event/create",
      "workflow/event/create",
      "workflow/workflow/getStatus",
    ]);
  });
});

test("the step context can replace an action's ctx of which only run methods are used, even for the type checker", async () => {
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
  const result = await resultOf(async (step) => [
    ...(await library(step, steps.echoAction)),
    (await getStatus(step, components.workflow, step.workflowId)).type,
  ]);
  expect(result).toEqual([1, 2, 3, "inProgress"]);
});

/** Returns how long a sleep took. convex-test may commit a millisecond after the due time. */
function sleepOf({ step, timer }: Awaited<ReturnType<typeof journal>>[number]) {
  const asked = timer!.endsAt - step.startedAt;
  const took = step.completedAt! - step.startedAt;
  expect([asked, asked + 1]).toContain(took);
  return asked;
}

test("restart from a component's function finds its last step", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    await step.runMutation(steps.echo, { value: 1 });
    const event = { name: "mine", workflowId: step.workflowId };
    await createEvent(step, components.workflow, event);
    return await step.runMutation(steps.echo, { value: 2 });
  });
  await restart(t, workflowId, { from: components.workflow.event.create });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed(2));
  expect(await effects(t)).toEqual([1, 2, 2]);
});

test("list calls with a workflow's step record the order of their results", async () => {
  const t = newBackend();
  const { workflowId } = await runHandler(t, async (step) => {
    await list(step, components.workflow);
    await listByName(step, components.workflow, "none");
    await listSteps(step, components.workflow, step.workflowId);
  });
  const recorded = await journal(t, workflowId);
  const paginationOpts = { numItems: 100, cursor: null };
  const common = { order: "asc", paginationOpts };
  expect(recorded.map(({ step }) => step.args)).toEqual([
    common,
    { ...common, name: "none" },
    { ...common, workflowId },
  ]);
});

test("a step that calls a missing component fails, and the handler can catch it", async () => {
  const t = newBackend();
  const { absent } = componentsGeneric() as never as Absent;
  const { status, workflowId } = await runHandler(t, async (step) => {
    const caught = await step
      .runMutation(absent.module.fn, {})
      .catch((error: Error) => error.message);
    return [caught, await step.runMutation(steps.echo, { value: 2 })];
  });
  expect(status).toMatchObject({
    result: [expect.stringMatching(/absent/), 2],
  });
  expect(await names(t, workflowId)).toEqual([
    "absent/module/fn",
    "steps:echo",
  ]);
});

type Absent = {
  absent: { module: { fn: FunctionReference<"mutation", "internal"> } };
};
