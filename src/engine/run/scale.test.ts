import type { GenericDataModel, GenericMutationCtx } from "convex/server";
import { expect, test } from "vitest";
import {
  insertRun,
  insertSteps,
  listenToConsole,
} from "../../testing/managing.js";
import {
  components,
  inComponent,
  newBackend,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { allPages, type Page } from "../../testing/paging.js";
import {
  cancelMany,
  cleanupMany,
  counts,
  findByKey,
  getStatus,
  list,
  listEvents,
  listSteps,
  restartMany,
  type WorkflowId,
} from "../../client/index.js";

// With RUNS=100000 in the environment, it takes minutes, because convex-test scans a table for each range of an index.

useBackend();
listenToConsole();

const { workflow } = components;
const FEW = 400;
const MANY = Number(process.env["RUNS"] ?? 2000);
const STEPS = 5000;

const RESULTS = [
  undefined,
  { kind: "success", returnValue: 1 },
  { kind: "failed", error: "no" },
  { kind: "canceled" },
] as const;
const NAME = "workflows:workflow";

/** Inserts runs of two workflows in every status. Returns one with many steps and events. */
async function fill(t: Backend, runs: number, steps: number) {
  for (let from = 0; from < runs; from += 4000)
    await inComponent(t, async (ctx) => {
      for (let index = from; index < Math.min(runs, from + 4000); index++)
        await ctx.db.insert("workflows", {
          name: index % 2 === 0 ? "a:a" : NAME,
          workflowHandle: "",
          args: {},
          generationNumber: 0,
          engineVersion: 1,
          key: `key ${index}`,
          runResult: RESULTS[(index >> 1) % 4],
        });
    });
  const id = await insertRun(t, { key: "mine" });
  for (let from = 0; from < steps; from += 1000)
    await insertSteps(t, id, { from, to: Math.min(steps, from + 1000) });
  await inComponent(t, async (ctx) => {
    for (let index = 0; index < steps / 10; index++)
      await ctx.db.insert("events", {
        workflowId: id as never,
        name: `event ${index}`,
        state: { kind: "created" },
      });
  });
  return id;
}

type Ctx = GenericMutationCtx<GenericDataModel>;
type Paging = { paginationOpts: { numItems: number; cursor: string | null } };
type List = (
  ctx: Ctx,
  paging: Paging,
  id: WorkflowId,
) => Promise<Page<unknown>>;

const listBy =
  (options: Parameters<typeof list>[2]): List =>
  (ctx, paging) =>
    list(ctx, workflow, { ...options, ...paging });

const selected = { name: NAME, status: "failed" } as const;

/** Each list reads its second page. */
const lists: Record<string, List> = {
  "list, oldest first": listBy({}),
  "list, newest first": listBy({ order: "desc" }),
  "list by status": listBy({ status: "failed" }),
  "list by name": listBy({ name: NAME }),
  "list by name, status and time": listBy({
    ...selected,
    since: 1,
    until: 9e12,
  }),
  "list of runs in progress": listBy({ status: "inProgress" }),
  listSteps: (ctx, paging, id) => listSteps(ctx, workflow, id, paging),
  "listSteps, last first": (ctx, paging, id) =>
    listSteps(ctx, workflow, id, { ...paging, order: "desc" }),
  listEvents: (ctx, paging, id) => listEvents(ctx, workflow, id, paging),
};

/** Mutations come last, because they change what the others read. */
const others: Record<string, (ctx: Ctx, id: WorkflowId) => Promise<unknown>> = {
  findByKey: (ctx) => findByKey(ctx, workflow, workflows.workflow, "mine"),
  getStatus: (ctx, id) => getStatus(ctx, workflow, id),
  restartMany: (ctx) => restartMany(ctx, workflow, { from: "none" }),
  cleanupMany: (ctx) => cleanupMany(ctx, workflow, { status: "completed" }),
  cancelMany: (ctx) => cancelMany(ctx, workflow, { name: "a:a" }),
};

const costOf = (t: Backend, act: (ctx: Ctx) => Promise<unknown>) =>
  t.mutation(async (ctx) => {
    await act(ctx);
    const { documentsRead, databaseQueries } =
      await ctx.meta.getTransactionMetrics();
    return { documents: documentsRead.used, ranges: databaseQueries.used };
  });

const ON_A_PAGE = 10;

async function costs(t: Backend, id: WorkflowId) {
  const found: Record<string, { documents: number; ranges: number }> = {};
  for (const [what, read] of Object.entries(lists)) {
    const page = (cursor: string | null) => ({
      paginationOpts: { numItems: ON_A_PAGE, cursor },
    });
    const first = await t.mutation((ctx) => read(ctx, page(null), id));
    found[what] = await costOf(t, (ctx) =>
      read(ctx, page(first.continueCursor), id),
    );
    // The rows, one more, and of each run in progress its steps in flight.
    expect(found[what].documents, what).toBeGreaterThanOrEqual(ON_A_PAGE);
    expect(found[what].documents, what).toBeLessThanOrEqual(ON_A_PAGE + 2);
    expect(found[what].ranges, what).toBeLessThanOrEqual(ON_A_PAGE + 4);
  }
  for (const [what, act] of Object.entries(others))
    found[what] = await costOf(t, (ctx) => act(ctx, id));
  return found;
}

test(`with ${MANY} runs, and ${STEPS} steps in one, every list and batch reads as much as with few, and finds all`, async () => {
  const few = newBackend({ transactionLimits: true });
  const expected = await costs(few, await fill(few, FEW, FEW));
  const t = newBackend({ transactionLimits: true });
  const id = await fill(t, MANY, STEPS);
  const { items } = await allPages(4000, (paginationOpts) =>
    t.query((ctx) => list(ctx, workflow, { paginationOpts, name: NAME })),
  );
  const seen = new Set(items.map(({ workflowId }) => workflowId));
  expect(seen.size).toBe(MANY / 2 + 1);
  const exact = MANY / 4 > 1000 ? "1000+" : MANY / 4;
  const counting = await costOf(t, async (ctx) => {
    const counted = await counts(ctx, workflow);
    expect(counted).toMatchObject({ completed: exact, failed: exact });
  });
  expect(counting.documents).toBeLessThanOrEqual(MANY + 1);
  expect(counting.ranges).toBeLessThanOrEqual(4);
  expect(await costs(t, id)).toEqual(expected);
}, 600_000);
