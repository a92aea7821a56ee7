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

/** As many runs of two workflows, in every status. Returns one with many steps and events. */
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

type Read = (
  ctx: GenericMutationCtx<GenericDataModel>,
  id: WorkflowId,
) => Promise<unknown>;
const page = { paginationOpts: { numItems: 20, cursor: null } };

/** Mutations come last, because they change what the others read. */
const reads: Record<string, Read> = {
  "list, oldest first": (ctx) => list(ctx, workflow, page),
  "list, newest first": (ctx) =>
    list(ctx, workflow, { ...page, order: "desc" }),
  "list by status": (ctx) => list(ctx, workflow, { ...page, status: "failed" }),
  "list by name": (ctx) => list(ctx, workflow, { ...page, name: NAME }),
  "list by name, status and time": (ctx) =>
    list(ctx, workflow, {
      ...page,
      name: NAME,
      status: "failed",
      since: 1,
      until: 9e12,
    }),
  "a later page": async (ctx) => {
    const first = await list(ctx, workflow, page);
    const cursor = first.continueCursor;
    await list(ctx, workflow, { paginationOpts: { numItems: 20, cursor } });
  },
  findByKey: (ctx) => findByKey(ctx, workflow, workflows.workflow, "mine"),
  getStatus: (ctx, id) => getStatus(ctx, workflow, id),
  listSteps: (ctx, id) => listSteps(ctx, workflow, id, page),
  "listSteps, last first": (ctx, id) =>
    listSteps(ctx, workflow, id, { ...page, order: "desc" }),
  listEvents: (ctx, id) => listEvents(ctx, workflow, id, page),
  restartMany: (ctx) => restartMany(ctx, workflow, { from: "none" }),
  cleanupMany: (ctx) => cleanupMany(ctx, workflow, { status: "completed" }),
  cancelMany: (ctx) => cancelMany(ctx, workflow, { name: "a:a" }),
};

async function readsOf(t: Backend, id: WorkflowId) {
  const found: Record<string, object> = {};
  for (const [what, read] of Object.entries(reads))
    found[what] = await t.mutation(async (ctx) => {
      await read(ctx, id);
      const { documentsRead, databaseQueries } =
        await ctx.meta.getTransactionMetrics();
      return { documents: documentsRead.used, ranges: databaseQueries.used };
    });
  return found;
}

test(`among ${MANY} runs, and ${STEPS} steps of one, every list and batch reads as much as among few, and all are found`, async () => {
  const few = newBackend({ transactionLimits: true });
  const expected = await readsOf(few, await fill(few, FEW, FEW));
  const t = newBackend({ transactionLimits: true });
  const id = await fill(t, MANY, STEPS);
  const seen = new Set<string>();
  for (let cursor: string | null = null, isDone = false; !isDone;) {
    const paginationOpts = { numItems: 4000, cursor };
    const next: Awaited<ReturnType<typeof list>> = await t.query((ctx) =>
      list(ctx, workflow, { paginationOpts, name: NAME }),
    );
    for (const { workflowId } of next.page) seen.add(workflowId);
    ({ continueCursor: cursor, isDone } = next);
  }
  expect(seen.size).toBe(MANY / 2 + 1);
  const exact = MANY / 4 > 1000 ? "1000+" : MANY / 4;
  const counted = await t.query((ctx) => counts(ctx, workflow));
  expect(counted).toMatchObject({ completed: exact, failed: exact });
  expect(await readsOf(t, id)).toEqual(expected);
}, 600_000);
