import { expect, test } from "vitest";
import { insertRun, insertSteps } from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  components,
  inComponent,
  newBackend,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { allPages, type Page } from "../../testing/paging.js";
import {
  list,
  listByName,
  listEvents,
  listSteps,
  type RunQueryCtx,
  type WorkflowId,
} from "../../client/index.js";
import { KiB } from "../../testing/units.js";

useBackend();

const { workflow: component } = components;
const NAME = "workflows:workflow";

type Options = Parameters<typeof list>[2];
type List = (
  ctx: RunQueryCtx,
  id: WorkflowId,
  options?: Options,
) => Promise<Page<Record<string, unknown>>>;

/** Every list, with the field that identifies its items. */
const LISTS: Record<string, [field: string, read: List]> = {
  list: ["workflowId", (ctx, _id, options) => list(ctx, component, options)],
  listByName: [
    "workflowId",
    (ctx, _id, options) => listByName(ctx, component, NAME, options),
  ],
  listSummaries: [
    "workflowId",
    (ctx, _id, options) => manager.listSummaries(ctx, options),
  ],
  listSteps: [
    "stepNumber",
    (ctx, id, options) => listSteps(ctx, component, id, options),
  ],
  listStepSummaries: [
    "stepNumber",
    (ctx, id, options) => manager.listStepSummaries(ctx, id, options),
  ],
  listEvents: [
    "name",
    (ctx, id, options) => listEvents(ctx, component, id, options),
  ],
};

const read = async (
  t: Backend,
  what: string,
  id: WorkflowId,
  numItems: number,
  order: "asc" | "desc" = "asc",
) => {
  const [field, listed] = LISTS[what]!;
  const { items, sizes } = await allPages(numItems, (paginationOpts) =>
    t.query((ctx) => listed(ctx, id, { order, paginationOpts })),
  );
  return { found: items.map((item) => item[field]), sizes };
};

async function insertEvents(t: Backend, id: WorkflowId, values: unknown[]) {
  const names = values.map((_, index) => `event ${index}`);
  for (const [at, returnValue] of values.entries())
    await inComponent(t, (ctx) =>
      ctx.db.insert("events", {
        workflowId: id as never,
        name: names[at]!,
        state: {
          kind: "sent",
          result: { kind: "success", returnValue },
          sentAt: 0,
        },
      }),
    );
  return names;
}

test("every list has each row once in either order and with any page size, 100 by default, and continues after a deleted row", async () => {
  const t = newBackend();
  const runs: WorkflowId[] = [];
  for (let count = 0; count < 101; count++) runs.push(await insertRun(t));
  const [id, other] = runs as [WorkflowId, WorkflowId];
  for (const each of [other, id])
    await insertSteps(t, each, { from: 0, to: 101 });
  const values = Array<null>(101).fill(null);
  await insertEvents(t, other, values);
  const events = await insertEvents(t, id, values);
  const numbers = [...values.keys()];
  const expected: Record<string, unknown[]> = {
    ...{ list: runs, listByName: runs, listSummaries: runs },
    ...{ listSteps: numbers, listStepSummaries: numbers, listEvents: events },
  };
  for (const [what, [field, listed]] of Object.entries(LISTS)) {
    const rows = expected[what]!;
    const pages = await read(t, what, id, 40);
    expect(pages, what).toEqual({ found: rows, sizes: [40, 40, 21] });
    const reversed = await read(t, what, id, 7, "desc");
    expect(reversed.found, what).toEqual([...rows].reverse());
    const first = await t.query((ctx) => listed(ctx, id));
    expect(first.page.map((item) => item[field])).toEqual(rows.slice(0, 100));
    expect(first.isDone).toBe(false);
  }
  for (const [what, table] of [
    ["list", "workflows"],
    ["listSteps", "steps"],
    ["listEvents", "events"],
  ] as const) {
    const [field, listed] = LISTS[what]!;
    const page = (cursor: string | null) =>
      t.query((ctx) =>
        listed(ctx, id, { paginationOpts: { numItems: 3, cursor } }),
      );
    const { continueCursor } = await page(null);
    await inComponent(t, async (ctx) => {
      const rows = (await ctx.db.query(table).collect()).filter(
        (row) => !("workflowId" in row) || row.workflowId === (id as string),
      );
      await ctx.db.delete(table, rows[2]!._id as never);
    });
    const second = await page(continueCursor);
    expect(second.page.map((item) => item[field])).toEqual(
      expected[what]!.slice(3, 6),
    );
  }
});

/** Inserts runs with changes, and steps for each. */
async function insertRuns(
  t: Backend,
  count: number,
  fields: Parameters<typeof insertRun>[1],
  stepsOfEach = 0,
  step: object = {},
) {
  const ids: WorkflowId[] = [];
  for (let index = 0; index < count; index++) {
    const id = await insertRun(t, fields);
    ids.push(id);
    for (let from = 0; from < stepsOfEach; from += 10) {
      const to = Math.min(from + 10, stepsOfEach);
      await insertSteps(t, id, { from, to }, () => ({ step }));
    }
  }
  return ids;
}

const text = "x".repeat(900_000);
const inFlight = { inProgress: true, runResult: undefined };
const third = { large: "x".repeat(300 * KiB) };

/** Rows that exceed one transaction's reads, with the lists that show them. */
const LARGE: [
  rows: string,
  lists: string[],
  insert: (t: Backend) => Promise<unknown[]>,
][] = [
  [
    "runs with large arguments",
    ["list", "listByName", "listSummaries"],
    (t) => insertRuns(t, 20, { args: { text } }),
  ],
  [
    "runs that wait for steps with large arguments",
    ["list", "listSummaries"],
    (t) => insertRuns(t, 12, {}, 3, { ...inFlight, args: { text } }),
  ],
  [
    "runs that end in steps with large arguments",
    ["listSummaries"],
    (t) => insertRuns(t, 20, {}, 1, { args: { text } }),
  ],
  [
    "runs that wait for many steps with large arguments",
    ["list", "listSummaries"],
    (t) => insertRuns(t, 6, {}, 9, { ...inFlight, args: third }),
  ],
  [
    "steps with large arguments",
    ["listSteps", "listStepSummaries"],
    async (t) => {
      await insertRuns(t, 1, {}, 20, { args: { text } });
      return [...Array(20).keys()];
    },
  ],
  [
    "events with large values",
    ["listEvents"],
    async (t) => {
      const [id] = await insertRuns(t, 1, {});
      return await insertEvents(t, id!, Array<string>(20).fill(text));
    },
  ],
];

test.each(LARGE)(
  "a page of %s stays within a transaction's limits, and no item is lost",
  async (_rows, lists, insert) => {
    const t = newBackend({ transactionLimits: true });
    const rows = await insert(t);
    const [first] = await inComponent(t, (ctx) =>
      ctx.db.query("workflows").take(1),
    );
    for (const what of lists) {
      const { found, sizes } = await read(t, what, first!._id as never, 100);
      expect(found, what).toEqual(rows);
      expect(sizes.length, what).toBeGreaterThan(1);
    }
  },
);

test("steps in flight are counted up to a page's budget", async () => {
  const t = newBackend({ transactionLimits: true });
  await insertRuns(t, 2, {}, 9, { ...inFlight, args: third });
  const { page } = await t.query((ctx) => manager.listSummaries(ctx));
  expect(page[0]!.steps).toEqual({ count: 9, inFlight: "6+" });
});

test("replies without values are small, so 30 runs with large values or 500 of 2,000 steps fit in 256 KiB", async () => {
  const t = newBackend({ transactionLimits: true });
  const large = "x".repeat(400 * KiB);
  await insertRuns(t, 30, {
    args: { large },
    runResult: { kind: "success", returnValue: large },
  });
  const id = await insertRun(t);
  for (let from = 0; from < 2000; from += 500)
    await insertSteps(t, id, { from, to: from + 500 });
  for (const what of ["listSummaries", "listStepSummaries"]) {
    const [, listed] = LISTS[what]!;
    const { items } = await allPages(500, async (paginationOpts) => {
      const found = await t.query((ctx) => listed(ctx, id, { paginationOpts }));
      expect(JSON.stringify(found).length).toBeLessThan(256 * KiB);
      return found;
    });
    expect(items).toHaveLength(what === "listSummaries" ? 31 : 2000);
  }
});
