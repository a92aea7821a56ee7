import { describe, expect, test } from "vitest";
import { insertRun, insertSteps, restart } from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  components,
  inComponent,
  newBackend,
  runHandler,
  script,
  startHandler,
  steps,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import {
  cleanup,
  counts,
  list,
  listByName,
  type RunFilter,
  type RunQueryCtx,
  type RunStatus,
  type WorkflowId,
} from "../../client/index.js";

useBackend();

const { workflow: component } = components;
const RESULTS = {
  inProgress: undefined,
  completed: { kind: "success", returnValue: 1 },
  failed: { kind: "failed", error: "no\n    at somewhere" },
  canceled: { kind: "canceled" },
} as const;
const STATUSES = Object.keys(RESULTS) as RunStatus[];
const NAMES = ["folder/file:a", "folder/file:b", "folder/file:c"];

type Page = Awaited<ReturnType<typeof list>>;
type Options = { numItems: number; cursor: string | null };

interface Inserted {
  id: WorkflowId;
  name: string;
  status: RunStatus;
  at: number;
}

/** Runs of each name and status by turns, started one millisecond apart. */
async function insertRuns(t: Backend, count: number): Promise<Inserted[]> {
  const runs: Inserted[] = [];
  for (let index = 0; index < count; index++) {
    const name = NAMES[index % 3]!;
    const status = STATUSES[index % 4]!;
    const runResult = RESULTS[status];
    await advance(1);
    const id = await insertRun(t, { name, runResult });
    runs.push({ id, name, status, at: Date.now() });
  }
  return runs;
}

/** All pages, and how many runs each holds. */
async function allPages(
  t: Backend,
  numItems: number,
  options: RunFilter & { order?: "asc" | "desc" },
) {
  const ids: WorkflowId[] = [];
  for (let cursor: string | null = null, pages = 0; ; pages++) {
    expect(pages).toBeLessThan(100);
    const paginationOpts: Options = { numItems, cursor };
    const found: Page = await t.query((ctx) =>
      list(ctx, component, { ...options, paginationOpts }),
    );
    ids.push(...found.page.map(({ workflowId }) => workflowId));
    if (found.isDone) return ids;
    expect(found.page).toHaveLength(numItems);
    cursor = found.continueCursor;
  }
}

/** What a query reads. */
async function readsOf(
  t: Backend,
  read: (ctx: RunQueryCtx) => Promise<unknown>,
) {
  return await t.query(async (ctx) => {
    await read(ctx);
    const { documentsRead, databaseQueries } =
      await ctx.meta.getTransactionMetrics();
    return { documents: documentsRead.used, ranges: databaseQueries.used };
  });
}

describe("list by status, name and time", () => {
  test("returns exactly the runs that match any combination, in either order, however small the pages", async () => {
    const t = newBackend();
    const runs = await insertRuns(t, 36);
    const times = [undefined, runs[9]!.at, runs[25]!.at];
    for (const status of [undefined, ...STATUSES])
      for (const name of [undefined, NAMES[1]])
        for (const since of times)
          for (const until of times) {
            const expected = runs
              .filter(
                (run) =>
                  (status === undefined || run.status === status) &&
                  (name === undefined || run.name === name) &&
                  run.at >= (since ?? 0) &&
                  run.at < (until ?? Infinity),
              )
              .map(({ id }) => id);
            const filter = { status, name, since, until };
            const asc = await allPages(t, 5, filter);
            expect(asc, JSON.stringify(filter)).toEqual(expected);
            const desc = await allPages(t, 2, { ...filter, order: "desc" });
            expect(desc).toEqual(expected.reverse());
          }
  });

  test("a name can be the workflow's reference, in listByName, counts and a manager's methods too", async () => {
    const t = newBackend();
    await insertRuns(t, 4);
    const { workflowId } = await runHandler(t, async () => 1);
    const found = await t.query(async (ctx) => [
      await list(ctx, component, { name: workflows.workflow }),
      await listByName(ctx, component, workflows.workflow, {
        status: "completed",
      }),
      await manager.list(ctx, { name: "workflows:workflow", since: 1 }),
      await manager.listByName(ctx, workflows.workflow),
    ]);
    for (const { page } of found)
      expect(page.map((run) => run.workflowId)).toEqual([workflowId]);
    const none = { inProgress: 0, failed: 0, canceled: 0 };
    const name = workflows.workflow;
    expect(await t.query((ctx) => manager.counts(ctx, { name }))).toEqual({
      ...none,
      completed: 1,
    });
  });

  test("a run of 0.4, whose row has none of the newer fields, is found by its status", async () => {
    const t = newBackend();
    const old = { engineVersion: undefined };
    const runResult = RESULTS.failed;
    const failed = await insertRun(t, { ...old, runResult });
    const running = await insertRun(t, old);
    await insertRun(t, { ...old, name: undefined, runResult: RESULTS.failed });
    const name = "workflows:workflow";
    const of = async (status: RunStatus) =>
      (await t.query((ctx) => list(ctx, component, { status, name }))).page;
    expect(await of("failed")).toEqual([
      {
        workflowId: failed,
        name,
        args: { handler: "main" },
        runResult,
        status: "failed",
        startedAt: expect.any(Number) as number,
        error: "no",
        blockedOn: [],
      },
    ]);
    expect(await of("inProgress")).toMatchObject([{ workflowId: running }]);
  });

  test("a page costs as much among thousands of runs as among hundreds, and reads one range of an index", async () => {
    const read = async (count: number) => {
      const t = newBackend({ transactionLimits: true });
      await inComponent(t, async (ctx) => {
        for (let index = 0; index < count; index++)
          await ctx.db.insert("workflows", {
            name: NAMES[index % 3]!,
            workflowHandle: "",
            args: {},
            generationNumber: 0,
            runResult: RESULTS[STATUSES[index % 4]!],
          });
      });
      const found = [];
      for (const status of [undefined, "inProgress", "failed"] as const)
        for (const name of [undefined, NAMES[0]]) {
          const options = { status, name };
          const first = { numItems: 10, cursor: null };
          const { continueCursor: cursor } = await t.query((ctx) =>
            list(ctx, component, { ...options, paginationOpts: first }),
          );
          const second = { numItems: 10, cursor };
          found.push(
            await readsOf(t, (ctx) =>
              list(ctx, component, { ...options, paginationOpts: second }),
            ),
          );
        }
      found.push(await readsOf(t, (ctx) => counts(ctx, component)));
      return found;
    };
    const few = await read(240);
    const many = await read(2400);
    // Ten runs, and of each that is in progress its steps in flight.
    for (const [at, { documents, ranges }] of few.slice(0, -1).entries()) {
      expect(documents, String(at)).toBeGreaterThanOrEqual(10);
      expect(documents, String(at)).toBeLessThanOrEqual(12);
      expect(ranges, String(at)).toBeLessThanOrEqual(14);
    }
    expect(many.slice(0, -1)).toEqual(few.slice(0, -1));
    expect(many.at(-1)!.documents).toBeLessThanOrEqual(2400);
    expect(many.at(-1)!.ranges).toBeLessThanOrEqual(4);
  });
});

describe("a listed run", () => {
  const theRuns = async (t: Backend, options?: RunFilter) =>
    (await t.query((ctx) => list(ctx, component, options))).page;

  test("shows the first three steps in flight that block it, and its parent", async () => {
    const t = newBackend();
    script("handler", "child", (step) => step.sleep(1000, { name: "nap" }));
    const id = await startHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await Promise.all([
        step.runWorkflow(workflows.workflow, { handler: "child" }),
        ...["one", "two", "three"].map((name) => step.awaitEvent({ name })),
      ]);
    });
    await advance(100);
    const [run, child] = await theRuns(t, { status: "inProgress" });
    expect(run).toMatchObject({
      workflowId: id,
      status: "inProgress",
      blockedOn: [
        { stepNumber: 1, name: "workflows:workflow", kind: "workflow" },
        { stepNumber: 2, name: "one", kind: "event" },
        { stepNumber: 3, name: "two", kind: "event" },
      ],
    });
    expect(run!.parent).toBeUndefined();
    expect(child).toMatchObject({
      parent: { workflowId: id, stepNumber: 1 },
      blockedOn: [{ stepNumber: 0, name: "nap", kind: "sleep" }],
    });
  });

  test("shows the first line of its error and when it ended; a restart clears both", async () => {
    const t = newBackend();
    const fail = (step: { sleep: (ms: number) => Promise<unknown> }) =>
      step.sleep(1000).then(() => {
        throw new Error("first\nsecond");
      });
    const { workflowId } = await runHandler(t, fail);
    const [failed] = await theRuns(t, { status: "failed" });
    expect(failed).toMatchObject({ workflowId, error: "first" });
    expect(failed!.endedAt! - failed!.startedAt).toBeGreaterThanOrEqual(1000);
    script("handler", "main", (step) => step.sleep(9999));
    await restart(t, workflowId, { from: 0 });
    const [running] = await theRuns(t, { status: "inProgress" });
    expect(running).toMatchObject({ workflowId });
    expect(running!.endedAt).toBeUndefined();
    expect(running!.error).toBeUndefined();
  });

  test("a page whose runs wait for steps with large arguments is shorter, and none is left out", async () => {
    const t = newBackend({ transactionLimits: true });
    const ids: WorkflowId[] = [];
    const value = "x".repeat(900_000);
    for (let count = 0; count < 12; count++) {
      const id = await insertRun(t);
      ids.push(id);
      await insertSteps(t, id, { from: 0, to: 3 }, () => ({
        step: { inProgress: true, args: { value }, runResult: undefined },
      }));
    }
    const found: WorkflowId[] = [];
    for (let cursor: string | null = null; ;) {
      const paginationOpts: Options = { numItems: 100, cursor };
      const page: Page = await t.query((ctx) =>
        list(ctx, component, { paginationOpts }),
      );
      found.push(...page.page.map(({ workflowId }) => workflowId));
      if (page.isDone) break;
      cursor = page.continueCursor;
    }
    expect(found).toEqual(ids);
  });
});

describe("counts", () => {
  test("counts runs by status, of all workflows or of one", async () => {
    const t = newBackend();
    const runs = await insertRuns(t, 26);
    const count = (name?: string) =>
      Object.fromEntries(
        STATUSES.map((status) => [
          status,
          runs.filter(
            (run) => run.status === status && (!name || run.name === name),
          ).length,
        ]),
      );
    const found = (name?: string) =>
      t.query((ctx) => counts(ctx, component, { name }));
    expect(await found()).toEqual(count());
    for (const name of NAMES) expect(await found(name)).toEqual(count(name));
    expect(await found("none:such")).toEqual(count("none:such"));
  });

  test("is exact up to 1,000, and says 1000+ beyond", async () => {
    const t = newBackend({ transactionLimits: true });
    const insert = (count: number) =>
      inComponent(t, async (ctx) => {
        for (let index = 0; index < count; index++)
          await ctx.db.insert("workflows", {
            workflowHandle: "",
            args: {},
            generationNumber: 0,
            runResult: RESULTS.canceled,
          });
      });
    const canceled = async () =>
      (await t.query((ctx) => counts(ctx, component))).canceled;
    await insert(1000);
    expect(await canceled()).toBe(1000);
    await insert(1);
    expect(await canceled()).toBe("1000+");
  });

  const insertLarge = async (
    t: Backend,
    count: number,
    fields: Parameters<typeof insertRun>[1],
  ) => {
    for (let index = 0; index < count; index++)
      await insertRun(t, { args: { value: "x".repeat(900_000) }, ...fields });
  };

  test("counts as many large runs as one transaction can read, and says that there are more", async () => {
    const t = newBackend({ transactionLimits: true });
    for (const status of STATUSES)
      await insertLarge(t, 5, { runResult: RESULTS[status] });
    expect(await t.query((ctx) => counts(ctx, component))).toEqual(
      Object.fromEntries(STATUSES.map((status) => [status, "3+"])),
    );
  });

  test("leaves what few runs in progress don't need to those that completed", async () => {
    const t = newBackend({ transactionLimits: true });
    await insertLarge(t, 11, { runResult: RESULTS.completed });
    await insertLarge(t, 1, {});
    expect(await t.query((ctx) => counts(ctx, component))).toMatchObject({
      inProgress: 1,
      completed: 11,
    });
  });

  test("in an action counts exactly up to 1,000, however large the runs", async () => {
    const t = newBackend({ transactionLimits: true });
    for (const status of STATUSES)
      await insertLarge(t, 30, { runResult: RESULTS[status] });
    await inComponent(t, async (ctx) => {
      for (let index = 0; index < 1001; index++)
        await ctx.db.insert("workflows", {
          workflowHandle: "",
          args: {},
          generationNumber: 0,
          runResult: RESULTS.failed,
        });
    });
    const found = await t.action((ctx) => counts(ctx, component));
    const exact = { inProgress: 30, completed: 30, canceled: 30 };
    expect(found).toEqual({ ...exact, failed: "1000+" });
  });

  test("leaves out a run that was cleaned up while a step of it is in flight", async () => {
    const t = newBackend();
    script("action", "slow", () => new Promise((end) => setTimeout(end, 9000)));
    const id = await startHandler(t, async (step) => {
      void step.runAction(steps.action, { name: "slow" });
      await step.sleep(1);
    });
    await advance(3000);
    const completed = async () =>
      (await t.query((ctx) => counts(ctx, component))).completed;
    expect(await completed()).toBe(1);
    await t.mutation((ctx) => cleanup(ctx, component, id));
    expect(await completed()).toBe(0);
  });
});
