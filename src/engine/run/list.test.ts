import { describe, expect, test } from "vitest";
import { cancel, cleanup, insertRun } from "../../testing/managing.js";
import { internal } from "../../testing/app/_generated/api.js";
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
import { allPages } from "../../testing/paging.js";
import {
  counts,
  list,
  listByName,
  type ListSummariesOptions,
  type RunStatus,
  type WorkflowId,
} from "../../client/index.js";

useBackend();

const { workflow: component } = components;
const START = 1_700_000_000_000;
const RESULTS = {
  inProgress: undefined,
  completed: { kind: "success", returnValue: 1 },
  failed: { kind: "failed", error: "no\n    at somewhere" },
  canceled: { kind: "canceled" },
} as const;
const STATUSES = Object.keys(RESULTS) as RunStatus[];
const NAMES = ["folder/file:a", "folder/file:b", "folder/file:c"];
const NAME = "workflows:workflow";

/** Inserts runs that alternate between names and statuses, one millisecond apart. */
async function insertRuns(t: Backend, count: number) {
  const runs = [];
  for (let index = 0; index < count; index++) {
    const name = NAMES[index % 3]!;
    const status = STATUSES[index % 4]!;
    await advance(1);
    const id = await insertRun(t, { name, runResult: RESULTS[status] });
    runs.push({ id, name, status, at: Date.now() });
  }
  return runs;
}

const idsOf = (runs: { workflowId: WorkflowId }[]) =>
  runs.map(({ workflowId }) => workflowId);

test("a listed run has its values, status, times, parent and first three steps in flight, but summaries have no values", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.awaitEvent({ name: "go" }));
  const completed = await runHandler(t, async () => "done", {
    context: { a: 1 },
    input: "in",
  });
  const parent = await startHandler(
    t,
    async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await Promise.all([
        step.runWorkflow(workflows.workflow, { handler: "child" }),
        ...["one", "two", "three"].map((name) => step.awaitEvent({ name })),
      ]);
    },
    { name: "parent" },
  );
  await advance(1000);
  const failed = await runHandler(
    t,
    (step) =>
      step.sleep(1000).then(() => {
        throw new Error("first\nsecond");
      }),
    { name: "failed" },
  );
  const canceled = await startHandler(t, (step) => step.sleep(1000), {
    name: "canceled",
  });
  await cancel(t, canceled);
  const time = expect.any(Number) as number;
  const runs = (await t.query((ctx) => list(ctx, component))).page;
  const common = { name: NAME, startedAt: START, blockedOn: [] };
  expect(runs).toEqual([
    {
      ...common,
      workflowId: completed.workflowId,
      args: { handler: "main", input: "in" },
      context: { a: 1 },
      runResult: { kind: "success", returnValue: "done" },
      status: "completed",
      endedAt: START,
    },
    {
      ...common,
      workflowId: parent,
      args: { handler: "parent" },
      status: "inProgress",
      blockedOn: [
        { stepNumber: 1, name: NAME, kind: "workflow" },
        { stepNumber: 2, name: "one", kind: "event" },
        { stepNumber: 3, name: "two", kind: "event" },
      ],
    },
    {
      ...common,
      workflowId: expect.any(String) as string,
      args: { handler: "child" },
      status: "inProgress",
      startedAt: time,
      parent: { workflowId: parent, stepNumber: 1 },
      blockedOn: [{ stepNumber: 0, name: "go", kind: "event" }],
    },
    {
      ...common,
      workflowId: failed.workflowId,
      args: { handler: "failed" },
      runResult: { kind: "failed", error: "first\nsecond" },
      error: "first",
      status: "failed",
      startedAt: time,
      endedAt: time,
    },
    {
      ...common,
      workflowId: canceled,
      args: { handler: "canceled" },
      runResult: { kind: "canceled" },
      status: "canceled",
      startedAt: time,
      endedAt: time,
    },
  ]);
  expect(runs[3]!.endedAt! - runs[3]!.startedAt).toBeGreaterThanOrEqual(1000);
  const numbers = [
    { count: 0, inFlight: 0 },
    { count: 5, inFlight: 4 },
    { count: 1, inFlight: 1 },
    { count: 1, inFlight: 0 },
    { count: 1, inFlight: 1 },
  ];
  const { page } = await t.query((ctx) => manager.listSummaries(ctx));
  expect(page).toEqual(
    runs.map(
      ({ args: _args, context: _context, runResult: _, ...rest }, at) => ({
        ...rest,
        steps: numbers[at],
      }),
    ),
  );
});

describe("selecting runs", () => {
  test("lists and counts have exactly the matching runs for any combination, order and page size", async () => {
    const t = newBackend();
    const runs = await insertRuns(t, 36);
    const times = [undefined, runs[9]!.at, runs[25]!.at];
    for (const name of [undefined, NAMES[1], "none:such"]) {
      const named = runs.filter((run) => !name || run.name === name);
      const numbers = STATUSES.map((status) => [
        status,
        named.filter((run) => run.status === status).length,
      ]);
      expect(await t.query((ctx) => counts(ctx, component, { name }))).toEqual(
        Object.fromEntries(numbers),
      );
      for (const status of [undefined, ...STATUSES])
        for (const since of times)
          for (const until of times) {
            const expected = named
              .filter(
                (run) =>
                  (status === undefined || run.status === status) &&
                  run.at >= (since ?? 0) &&
                  run.at < (until ?? Infinity),
              )
              .map(({ id }) => id);
            const range = { status, since, until };
            const where = { ...range, name };
            const asc = await allPages(5, (paginationOpts) =>
              t.query((ctx) =>
                list(ctx, component, { ...where, paginationOpts }),
              ),
            );
            expect(idsOf(asc.items), JSON.stringify(where)).toEqual(expected);
            for (const size of asc.sizes.slice(0, -1)) expect(size).toBe(5);
            const summaries = await t.query((ctx) =>
              manager.listSummaries(ctx, where),
            );
            expect(idsOf(summaries.page)).toEqual(expected);
            const desc = await allPages(2, (paginationOpts) => {
              const options = {
                ...range,
                order: "desc",
                paginationOpts,
              } as const;
              return t.query((ctx) =>
                name
                  ? listByName(ctx, component, name, options)
                  : list(ctx, component, options),
              );
            });
            expect(idsOf(desc.items)).toEqual(expected.reverse());
          }
    }
  });

  test("a cursor of another list is refused", async () => {
    const t = newBackend();
    await insertRuns(t, 36);
    const filters = [
      ...NAMES.map((name) => ({ name })),
      ...STATUSES.map((status) => ({ status })),
      { name: NAMES[1]!, status: STATUSES[0]! },
      {},
    ];
    const page = (
      filter: object,
      order: "asc" | "desc",
      cursor: string | null,
    ) =>
      t.query((ctx) =>
        list(ctx, component, {
          ...filter,
          order,
          paginationOpts: { numItems: 1, cursor },
        }),
      );
    for (const from of filters)
      for (const filter of filters)
        for (const order of ["asc", "desc"] as const) {
          const { continueCursor } = await page(from, order, null);
          const next = page(filter, order, continueCursor);
          if (from === filter) await next;
          else await expect(next).rejects.toThrow(/^Invalid cursor: /);
        }
  });

  test("functions, managers and steps accept a workflow's folder/file:function or reference, however its step is named", async () => {
    const t = newBackend();
    await insertRuns(t, 4);
    script("handler", "child", async () => 1);
    const { workflowId } = await runHandler(t, (step) =>
      step.runWorkflow(
        internal.managed.three,
        { handler: "child" },
        { name: "my step" },
      ),
    );
    const name = workflows.workflow;
    const found = await t.query(async (ctx) => [
      await list(ctx, component, { name }),
      await listByName(ctx, component, name, { status: "completed" }),
      await manager.list(ctx, { name: NAME, since: 1 }),
      await manager.listByName(ctx, name),
    ]);
    for (const { page } of found) expect(idsOf(page)).toEqual([workflowId]);
    expect(await t.query((ctx) => manager.counts(ctx, { name }))).toEqual({
      ...{ inProgress: 0, failed: 0, canceled: 0 },
      completed: 1,
    });
    const { status } = await runHandler(
      t,
      async (step) => {
        const runs = await manager.listByName(step, "managed:three");
        return runs.page.map((run) => run.name);
      },
      { name: "in a step" },
    );
    expect(status).toEqual({ type: "completed", result: ["managed:three"] });
  });

  test("a run of 0.4 without the newer fields is found by its status", async () => {
    const t = newBackend();
    const old = { engineVersion: undefined };
    const runResult = RESULTS.failed;
    const failed = await insertRun(t, { ...old, runResult });
    const running = await insertRun(t, old);
    await insertRun(t, { ...old, name: undefined, runResult });
    const of = async (status: RunStatus) =>
      (await t.query((ctx) => list(ctx, component, { status, name: NAME })))
        .page;
    expect(await of("failed")).toEqual([
      {
        workflowId: failed,
        name: NAME,
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
});

describe("counts", () => {
  const insertBare = (t: Backend, count: number, status: RunStatus) =>
    inComponent(t, async (ctx) => {
      for (let index = 0; index < count; index++)
        await ctx.db.insert("workflows", {
          workflowHandle: "",
          args: {},
          generationNumber: 0,
          runResult: RESULTS[status],
        });
    });

  const insertLarge = async (t: Backend, count: number, status: RunStatus) => {
    const args = { value: "x".repeat(900_000) };
    for (let index = 0; index < count; index++)
      await insertRun(t, { args, runResult: RESULTS[status] });
  };

  test("are exact up to 1,000, and 1000+ beyond", async () => {
    const t = newBackend({ transactionLimits: true });
    const canceled = async () =>
      (await t.query((ctx) => counts(ctx, component))).canceled;
    await insertBare(t, 1000, "canceled");
    expect(await canceled()).toBe(1000);
    await insertBare(t, 1, "canceled");
    expect(await canceled()).toBe("1000+");
  });

  test("include as many large runs as one transaction can read, and show that there are more", async () => {
    const t = newBackend({ transactionLimits: true });
    for (const status of STATUSES) await insertLarge(t, 5, status);
    expect(await t.query((ctx) => counts(ctx, component))).toEqual(
      Object.fromEntries(STATUSES.map((status) => [status, "3+"])),
    );
  });

  test("give budget that few runs in progress don't need to completed ones", async () => {
    const t = newBackend({ transactionLimits: true });
    await insertLarge(t, 11, "completed");
    await insertLarge(t, 1, "inProgress");
    expect(await t.query((ctx) => counts(ctx, component))).toMatchObject({
      inProgress: 1,
      completed: 11,
    });
  });

  test("are exact up to 1,000 in an action, however large the runs are", async () => {
    const t = newBackend({ transactionLimits: true });
    for (const status of STATUSES) await insertLarge(t, 30, status);
    await insertBare(t, 1001, "failed");
    const found = await t.action((ctx) => counts(ctx, component));
    const exact = { inProgress: 30, completed: 30, canceled: 30 };
    expect(found).toEqual({ ...exact, failed: "1000+" });
  });

  test("exclude a run that was cleaned up while its step is in flight", async () => {
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
    await cleanup(t, id);
    expect(await completed()).toBe(0);
  });
});

const summaries = (t: Backend, options?: ListSummariesOptions) =>
  t.query((ctx) => manager.listSummaries(ctx, options));

const pagesOf = (t: Backend, numItems: number, options: ListSummariesOptions) =>
  allPages(numItems, (paginationOpts) =>
    summaries(t, { ...options, paginationOpts }),
  );

test("a run's summary counts all its steps, and up to 10 steps in flight", async () => {
  const t = newBackend();
  const inFlight = [0, 10, 11, 50];
  for (const count of inFlight)
    await startHandler(
      t,
      (step) => {
        const names = Array.from({ length: count }, (_, n) => `e${n}`);
        return Promise.all(names.map((name) => step.awaitEvent({ name })));
      },
      { name: `of ${count}` },
    );
  const { page } = await summaries(t);
  expect(page.map((run) => [run.steps, run.blockedOn.length])).toEqual([
    [{ count: 0, inFlight: 0 }, 0],
    [{ count: 10, inFlight: 10 }, 3],
    [{ count: 11, inFlight: "10+" }, 3],
    [{ count: 50, inFlight: "10+" }, 3],
  ]);
});

test("idPrefix searches 256 runs per page for ids that begin with it, and finds a whole id at once if it matches the filters", async () => {
  const t = newBackend();
  const id = await insertRun(t, { name: "a:a" });
  const ids: string[] = [id];
  for (let n = 0; n < 300; n++) ids.push(await insertRun(t, { name: "b:b" }));
  const whole = { idPrefix: id, order: "desc" } as const;
  expect(await summaries(t, whole)).toMatchObject({
    page: [{ workflowId: id }],
    isDone: true,
  });
  const others: ListSummariesOptions[] = [
    { name: "b:b" },
    { status: "failed" },
    { since: Number.MAX_SAFE_INTEGER },
    { until: 1 },
    { parent: "no id" },
  ];
  for (const filter of others)
    expect(
      await summaries(t, { ...whole, ...filter }),
      JSON.stringify(filter),
    ).toMatchObject({ page: [], isDone: true });

  const idPrefix = ids[150]!.slice(0, -"00workflows".length);
  const wanted = ids.filter((each) => each.startsWith(idPrefix));
  expect(wanted.length).toBeLessThan(300);
  const found = await pagesOf(t, 10, { idPrefix });
  expect(found.items.map(({ workflowId }) => workflowId)).toEqual(wanted);
  expect(found.sizes).toHaveLength(2);
  expect((await pagesOf(t, 10, { idPrefix: "zzz" })).items).toEqual([]);
  expect((await pagesOf(t, 200, { idPrefix: "" })).sizes).toEqual([200, 101]);
});

test("parent lists only a run's children, in pages and by status, and nothing for an invalid id", async () => {
  const t = newBackend();
  script("handler", "child", (step) => step.awaitEvent({ name: "go" }));
  const [parent, other] = [1, 2].map(() =>
    startHandler(t, (step) =>
      Promise.all(
        [1, 2, 3].map((input) =>
          step.runWorkflow(workflows.workflow, { handler: "child", input }),
        ),
      ),
    ),
  );
  const id = await parent!;
  const otherId = await other!;
  await advance(1000);
  const { page } = await summaries(t, { parent: id });
  expect(page.map((run) => run.parent)).toEqual(
    [0, 1, 2].map((stepNumber) => ({ workflowId: id, stepNumber })),
  );
  const { sizes } = await pagesOf(t, 2, { parent: otherId });
  expect(sizes).toEqual([2, 1]);
  await cancel(t, page[0]!.workflowId);
  const find = async (status: "canceled" | "inProgress") =>
    (await summaries(t, { parent: id, status })).page.length;
  expect([await find("canceled"), await find("inProgress")]).toEqual([1, 2]);
  expect((await summaries(t, { parent: "no id" })).page).toEqual([]);
});

test("listNames returns up to 100 workflows in alphabetical order, and reads one run of each within a transaction's limits", async () => {
  const t = newBackend({ transactionLimits: true });
  const names = () => t.query((ctx) => manager.listNames(ctx));
  expect(await names()).toEqual([]);
  for (const name of ["z:b", "z:a", "z:c", "z:a", "z:b", undefined])
    await insertRun(t, { name });
  expect(await names()).toEqual(["z:a", "z:b", "z:c"]);
  for (let n = 0; n < 120; n++) await insertRun(t, { name: `w:${1000 + n}` });
  expect(await names()).toHaveLength(100);
  const large = "x".repeat(900 * 1024);
  for (let n = 0; n < 20; n++)
    await insertRun(t, { name: `a:${10 + n}`, args: { large } });
  expect(await names()).toEqual(["a:10", "a:11", "a:12", "a:13", "a:14"]);
});
