import { validate } from "convex-helpers/validators";
import { describe, expect, test } from "vitest";
import {
  cancel,
  cleanup,
  insertRun,
  insertSteps,
} from "../../testing/managing.js";
import { create, send } from "../../testing/events.js";
import { internal } from "../../testing/app/_generated/api.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  components,
  drain,
  inComponent,
  newBackend,
  rows,
  runHandler,
  script,
  startHandler,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  getStatus,
  list,
  listByName,
  listSteps,
  start,
  vWorkflowStep,
  type WorkflowId,
} from "../../client/index.js";

useBackend();

const { workflow: component } = components;
type Options = Parameters<typeof list>[2];
type Page = { page: unknown[]; isDone: boolean; continueCursor: string };

/** All pages of a list, the numbers of items on each, and whether only the last was said to be. */
async function allPages<P extends Page>(
  numItems: number,
  read: (
    paginationOpts: NonNullable<NonNullable<Options>["paginationOpts"]>,
  ) => Promise<P>,
) {
  const items: P["page"][number][] = [];
  const sizes: number[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: P = await read({ numItems, cursor });
    items.push(...page.page);
    sizes.push(page.page.length);
    if (page.isDone) return { items, sizes };
    cursor = page.continueCursor;
  }
}

/** Runs that have ended, of two workflows by turns. */
async function insertRuns(t: Backend, count: number): Promise<WorkflowId[]> {
  const ids: WorkflowId[] = [];
  for (let at = 0; at < count; at++)
    ids.push(
      await insertRun(t, {
        name: at % 2 === 0 ? "folder/file:even" : "folder/file:odd",
        args: { at },
        runResult: { kind: "success", returnValue: at },
      }),
    );
  return ids;
}

const START = 1_700_000_000_000;

describe("list", () => {
  test("returns each run's id, name, arguments, context, result, status and times", async () => {
    const t = newBackend();
    const time = expect.any(Number) as number;
    const { workflowId } = await runHandler(t, async () => "done", {
      context: { a: 1 },
      input: "in",
    });
    const waiting = await startHandler(t, (step) => step.sleep(10), {
      name: "second",
    });
    const failed = await runHandler(t, () => Promise.reject(new Error("no")), {
      name: "third",
      startAsync: true,
    });
    const { page, isDone } = await t.query((ctx) => list(ctx, component));
    expect(page).toEqual([
      {
        workflowId,
        name: "workflows:workflow",
        args: { handler: "main", input: "in" },
        context: { a: 1 },
        runResult: { kind: "success", returnValue: "done" },
        status: "completed",
        startedAt: START,
        endedAt: START,
        blockedOn: [],
      },
      {
        workflowId: waiting,
        name: "workflows:workflow",
        args: { handler: "second" },
        runResult: { kind: "success", returnValue: null },
        status: "completed",
        startedAt: START,
        endedAt: time,
        blockedOn: [],
      },
      {
        workflowId: failed.workflowId,
        name: "workflows:workflow",
        args: { handler: "third" },
        runResult: { kind: "failed", error: "no" },
        status: "failed",
        startedAt: time,
        endedAt: time,
        error: "no",
        blockedOn: [],
      },
    ]);
    expect(isDone).toBe(true);
  });

  test("a run in progress has no result, a canceled one is canceled", async () => {
    const t = newBackend();
    await startHandler(t, (step) => step.sleep(1000));
    const id = await startHandler(t, (step) => step.sleep(1000));
    await cancel(t, id);
    const { page } = await t.query((ctx) => list(ctx, component));
    expect(page.map(({ runResult }) => runResult)).toEqual([
      undefined,
      { kind: "canceled" },
    ]);
  });

  test("includes nested runs", async () => {
    const t = newBackend();
    script("handler", "child", async () => 1);
    await runHandler(t, (step) =>
      step.runWorkflow(workflows.workflow, { handler: "child" }),
    );
    const { page } = await t.query((ctx) => list(ctx, component));
    expect(page.map(({ args }) => args)).toEqual([
      { handler: "main" },
      { handler: "child" },
    ]);
  });

  test("returns the first 100, oldest first, by default", async () => {
    const t = newBackend();
    const ids = await insertRuns(t, 101);
    const first = await t.query((ctx) => list(ctx, component));
    expect(first.page.map(({ workflowId }) => workflowId)).toEqual(
      ids.slice(0, 100),
    );
    expect(first.isDone).toBe(false);
    const last = await t.query((ctx) =>
      list(ctx, component, { order: "desc" }),
    );
    expect(last.page.map(({ workflowId }) => workflowId)).toEqual(
      ids.slice(1).reverse(),
    );
  });

  test.each(["asc", "desc"] as const)(
    "pages through all, %s, each once",
    async (order) => {
      const t = newBackend();
      const ids = await insertRuns(t, 25);
      const { items, sizes } = await allPages(10, (paginationOpts) =>
        t.query((ctx) => list(ctx, component, { order, paginationOpts })),
      );
      const expected = order === "asc" ? ids : [...ids].reverse();
      expect(items.map(({ workflowId }) => workflowId)).toEqual(expected);
      expect(sizes).toEqual([10, 10, 5]);
    },
  );

  test("continues after a run that was deleted meanwhile", async () => {
    const t = newBackend();
    const ids = await insertRuns(t, 6);
    const page = (cursor: string | null) =>
      t.query((ctx) =>
        list(ctx, component, { paginationOpts: { numItems: 3, cursor } }),
      );
    const { continueCursor } = await page(null);
    await inComponent(t, (ctx) => ctx.db.delete("workflows", ids[2] as never));
    const second = await page(continueCursor);
    expect(second.page.map(({ workflowId }) => workflowId)).toEqual(
      ids.slice(3),
    );
  });

  test("a page that is too large for a transaction is shorter, in either list", async () => {
    const t = newBackend({ transactionLimits: true });
    const args = { value: "x".repeat(900_000) };
    const ids: WorkflowId[] = [];
    for (let count = 0; count < 20; count++)
      ids.push(await insertRun(t, { name: "big", args }));
    const all = await allPages(100, (paginationOpts) =>
      t.query((ctx) => list(ctx, component, { paginationOpts })),
    );
    expect(all.items.map(({ workflowId }) => workflowId)).toEqual(ids);
    const named = await allPages(100, (paginationOpts) =>
      t.query((ctx) => listByName(ctx, component, "big", { paginationOpts })),
    );
    expect(named.items.map(({ workflowId }) => workflowId)).toEqual(ids);
  });

  test("may be empty", async () => {
    const t = newBackend();
    const { page, isDone } = await t.query((ctx) => list(ctx, component));
    expect({ page, isDone }).toEqual({ page: [], isDone: true });
  });
});

describe("listByName", () => {
  test.each(["asc", "desc"] as const)(
    "pages through the runs of one workflow, %s",
    async (order) => {
      const t = newBackend();
      const ids = await insertRuns(t, 20);
      const odd = ids.filter((_, at) => at % 2 === 1);
      const { items } = await allPages(4, (paginationOpts) =>
        t.query((ctx) =>
          listByName(ctx, component, "folder/file:odd", {
            order,
            paginationOpts,
          }),
        ),
      );
      const expected = order === "asc" ? odd : odd.reverse();
      expect(items.map(({ workflowId }) => workflowId)).toEqual(expected);
    },
  );

  test("the name is folder/file:function, whatever the step that nests it is called", async () => {
    const t = newBackend();
    script("handler", "child", async () => 1);
    await runHandler(t, (step) =>
      step.runWorkflow(
        internal.managed.three,
        { handler: "child" },
        { name: "my step" },
      ),
    );
    const { page } = await t.query((ctx) =>
      listByName(ctx, component, "managed:three"),
    );
    expect(page).toMatchObject([{ name: "managed:three" }]);
  });

  test("returns 100 at first, and none for an unknown name", async () => {
    const t = newBackend();
    await insertRuns(t, 202);
    const { page, isDone } = await t.query((ctx) =>
      listByName(ctx, component, "folder/file:even"),
    );
    expect([page.length, isDone]).toEqual([100, false]);
    const none = await t.query((ctx) => listByName(ctx, component, "folder"));
    expect(none.page).toEqual([]);
  });
});

describe("listSteps", () => {
  const stepsOf = async (t: Backend, id: WorkflowId) => {
    const { page } = await t.query((ctx) => listSteps(ctx, component, id));
    for (const step of page)
      expect(validate(vWorkflowStep, step, { throw: true })).toBe(true);
    return page;
  };

  test("returns steps of every kind in flight, each as vWorkflowStep describes it", async () => {
    const t = newBackend();
    const id: WorkflowId = await startHandler(
      t,
      (step) =>
        Promise.all([
          step.runMutation(steps.echo, { value: 1 }, { runAfter: 1000 }),
          step.runWorkflow(workflows.workflow, { handler: "child" }),
          step.awaitEvent({ name: "go" }),
          step.awaitEvent({ id: event }),
          step.sleep(1000, { name: "nap" }),
        ]),
      { startAsync: true },
    );
    script("handler", "child", (step) => step.sleep(1000));
    const event = await create(t, id, "by id");
    await advance(100);
    const string = expect.any(String) as string;
    const common = {
      workflowId: id,
      stepId: string,
      startedAt: Date.now() - 100,
      attempts: [],
    };
    const found = await stepsOf(t, id);
    const [go] = (await rows(t, "events")).filter(({ name }) => name === "go");
    const [, nested] = await rows(t, "workflows");
    const startedAt = expect.any(Number) as number;
    expect(found).toEqual([
      {
        ...common,
        startedAt,
        stepNumber: 0,
        kind: "function",
        name: "steps:echo",
        args: { value: 1 },
        workId: string,
        functionType: "mutation",
        state: "scheduled",
        dueAt: expect.any(Number) as number,
      },
      {
        ...common,
        startedAt,
        stepNumber: 1,
        kind: "workflow",
        name: "workflows:workflow",
        args: { handler: "child" },
        nestedWorkflowId: nested!._id,
        state: "running",
        child: { workflowId: nested!._id, status: "inProgress" },
      },
      {
        ...common,
        startedAt,
        stepNumber: 2,
        kind: "event",
        name: "go",
        args: {},
        eventId: go!._id,
        state: "waiting",
      },
      {
        ...common,
        startedAt,
        stepNumber: 3,
        kind: "event",
        name: event,
        args: { eventId: event },
        eventId: event,
        state: "waiting",
      },
      {
        ...common,
        startedAt,
        stepNumber: 4,
        kind: "sleep",
        name: "nap",
        args: {},
        workId: string,
        state: "waiting",
        dueAt: expect.any(Number) as number,
      },
    ]);
  });

  test("says how and when completed steps of every kind ended", async () => {
    const t = newBackend();
    script("handler", "child", async () => "c");
    const id = await startHandler(t, (step) =>
      Promise.allSettled([
        step.runQuery(steps.echoQuery, { value: 1 }),
        step.runMutation(steps.echo, { value: 2 }, { inline: true }),
        step.runMutation(steps.fail, { message: "no" }),
        step.runAction(steps.echoAction, { value: 3 }),
        step.runWorkflow(workflows.workflow, { handler: "child" }),
        step.awaitEvent({ name: "go" }),
        step.sleep(1000),
      ]),
    );
    await send(t, { workflowId: id, name: "go", value: "v" });
    await drain();
    const found = await stepsOf(t, id);
    const success = (returnValue: unknown) => ({
      kind: "success",
      returnValue,
    });
    expect(found.map(({ kind, runResult }) => [kind, runResult])).toEqual([
      ["function", success(1)],
      ["function", success(2)],
      ["function", { kind: "failed", error: "no" }],
      ["function", success(3)],
      ["workflow", success("c")],
      ["event", success("v")],
      ["sleep", success(null)],
    ]);
    for (const { startedAt, completedAt } of found)
      expect(completedAt).toBeGreaterThanOrEqual(startedAt);
  });

  test("says which attempt a retried action is at, and at which it ended", async () => {
    const t = newBackend();
    const failures: Record<string, number> = { late: 1, never: 3, first: 0 };
    for (const [name, count] of Object.entries(failures)) {
      let calls = 0;
      script("action", name, () => {
        if (++calls <= count) throw new Error("not this time");
        return name;
      });
    }
    const retry = { maxAttempts: 3, initialBackoffMs: 10_000, base: 1 };
    const id = await startHandler(t, (step) =>
      Promise.allSettled([
        ...Object.keys(failures).map((name) =>
          step.runAction(steps.action, { name }, { retry }),
        ),
        step.runAction(steps.echoAction, { value: 1 }),
      ]),
    );
    const attempts = async () =>
      (await stepsOf(t, id)).map((step) =>
        step.kind === "function"
          ? [step.attempt, step.maxAttempts, step.runResult?.kind]
          : [],
      );
    await advance(2000);
    expect(await attempts()).toEqual([
      [2, 3, undefined],
      [2, 3, undefined],
      [1, 3, "success"],
      [undefined, undefined, "success"],
    ]);
    await drain();
    expect(await attempts()).toEqual([
      [2, 3, "success"],
      [3, 3, "failed"],
      [1, 3, "success"],
      [undefined, undefined, "success"],
    ]);
  });

  test("a step that an early release stored without a kind is a function", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 1 }, () => ({
      step: { kind: undefined },
    }));
    expect(await stepsOf(t, id)).toMatchObject([{ kind: "function" }]);
  });

  test.each(["asc", "desc"] as const)(
    "pages through the steps of one run, by number, %s",
    async (order) => {
      const t = newBackend();
      const other = await insertRun(t);
      await insertSteps(t, other, { from: 0, to: 30 });
      const id = await insertRun(t);
      await insertSteps(t, id, { from: 0, to: 25 });
      const { items, sizes } = await allPages(10, (paginationOpts) =>
        t.query((ctx) =>
          listSteps(ctx, component, id, { order, paginationOpts }),
        ),
      );
      const numbers = Array.from({ length: 25 }, (_, at) => at);
      expect(items.map(({ stepNumber }) => stepNumber)).toEqual(
        order === "asc" ? numbers : numbers.reverse(),
      );
      expect(new Set(items.map(({ workflowId }) => workflowId))).toEqual(
        new Set([id]),
      );
      expect(sizes).toEqual([10, 10, 5]);
    },
  );

  test("returns the first 100 by number", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 101 });
    const page = await stepsOf(t, id);
    expect(page.map(({ stepNumber }) => stepNumber)).toEqual(
      Array.from({ length: 100 }, (_, at) => at),
    );
  });

  test("a page that is too large for a transaction is shorter", async () => {
    const t = newBackend({ transactionLimits: true });
    const value = "x".repeat(900_000);
    const id = await insertRun(t);
    for (let from = 0; from < 20; from += 10)
      await insertSteps(t, id, { from, to: from + 10 }, () => ({
        step: { args: { value } },
      }));
    const { items, sizes } = await allPages(100, (paginationOpts) =>
      t.query((ctx) => listSteps(ctx, component, id, { paginationOpts })),
    );
    expect(items.map(({ stepNumber }) => stepNumber)).toEqual(
      Array.from({ length: 20 }, (_, at) => at),
    );
    expect(Math.max(...sizes)).toBeLessThan(16);
  });

  test("returns none for an id that is no workflow's", async () => {
    const t = newBackend();
    await runHandler(t, (step) => step.sleep(1));
    const [row] = await rows(t, "steps");
    for (const id of ["garbage", row!._id as string])
      await expect(
        t.query((ctx) => listSteps(ctx, component, id as WorkflowId)),
      ).rejects.toThrow(`Invalid workflow ID: ${id}`);
  });

  test("throws for a run that was cleaned up, as getStatus does", async () => {
    const t = newBackend();
    const { workflowId: id } = await runHandler(t, (step) => step.sleep(1));
    await cleanup(t, id);
    await drain();
    for (const read of [listSteps, getStatus])
      await expect(t.query((ctx) => read(ctx, component, id))).rejects.toThrow(
        `Workflow not found: ${id}`,
      );
  });
});

test("the manager lists too, and in a workflow's step", async () => {
  const t = newBackend();
  script("handler", "main", (step) => step.sleep(1));
  const id = await t.mutation((ctx) =>
    start(ctx, workflows.workflow, { handler: "main" }),
  );
  const name = "workflows:workflow";
  const lists = await t.query(async (ctx) => [
    (await manager.list(ctx, { order: "desc" })).page.length,
    (await manager.listByName(ctx, name)).page.length,
    (await manager.listSteps(ctx, id)).page.length,
  ]);
  expect(lists).toEqual([1, 1, 1]);
  const { status } = await runHandler(
    t,
    async (step) => (await list(step, component)).page.length,
    { name: "other" },
  );
  expect(status).toEqual({ type: "completed", result: 2 });
});
