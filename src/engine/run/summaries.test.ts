import { describe, expect, test } from "vitest";
import { cleanup, insertRun, insertSteps } from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
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
import type { ListSummariesOptions, WorkflowId } from "../../client/index.js";

useBackend();

const SUCCESS = { kind: "success", returnValue: "a result" } as const;
const KIB = 1024;

const summaries = (t: Backend, options?: ListSummariesOptions) =>
  t.query((ctx) => manager.listSummaries(ctx, options));

const bytesOf = (value: unknown) => JSON.stringify(value).length;

/** The ids in all pages, and how many pages there were. */
async function allPages(
  t: Backend,
  numItems: number,
  options: ListSummariesOptions = {},
) {
  const ids: string[] = [];
  for (let cursor: string | null = null, pages = 1; ; pages++) {
    const paginationOpts = { numItems, cursor };
    const found = await summaries(t, { ...options, paginationOpts });
    expect(bytesOf(found)).toBeLessThan(256 * KIB);
    ids.push(...found.page.map(({ workflowId }) => workflowId));
    if (found.isDone) return { ids, pages };
    cursor = found.continueCursor;
  }
}

/** Waits for events in as many steps. */
const waitFor = async (t: Backend, count: number) =>
  await startHandler(
    t,
    async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await Promise.all(
        Array.from({ length: count }, (_, n) =>
          step.awaitEvent({ name: `e${n}` }),
        ),
      );
    },
    { name: `of ${count}` },
  );

describe("listSummaries", () => {
  test("has what list has, without values, and the numbers of steps", async () => {
    const t = newBackend();
    const id = await waitFor(t, 2);
    await advance(1000);
    const { page } = await summaries(t);
    const [listed] = (await t.query((ctx) => manager.list(ctx))).page;
    const { args, ...rest } = listed!;
    expect(args).toBeDefined();
    expect(page).toEqual([{ ...rest, steps: { count: 3, inFlight: 2 } }]);
    expect(page[0]).toMatchObject({ workflowId: id, status: "inProgress" });
    expect(page[0]!.blockedOn.map(({ name }) => name)).toEqual(["e0", "e1"]);
  });

  test.each([
    [0, 0],
    [10, 10],
    [11, "10+"],
    [50, "10+"],
  ])("of %i steps in flight counts %s", async (count, inFlight) => {
    const t = newBackend();
    await waitFor(t, count);
    await advance(1000);
    const { page } = await summaries(t);
    expect(page[0]!.steps).toEqual({ count: count + 1, inFlight });
    expect(page[0]!.blockedOn).toHaveLength(Math.min(3, count));
  });

  test("selects by status, workflow and start, as list does", async () => {
    const t = newBackend();
    const a = await insertRun(t, { name: "a:a", runResult: SUCCESS });
    await advance(10);
    const later = Date.now();
    const b = await insertRun(t, { name: "b:b", runResult: SUCCESS });
    const c = await insertRun(t, { name: "b:b" });
    const find = async (options: ListSummariesOptions) =>
      (await summaries(t, options)).page.map(({ workflowId }) => workflowId);
    expect(await find({ status: "completed" })).toEqual([a, b]);
    expect(await find({ name: "b:b" })).toEqual([b, c]);
    expect(await find({ name: "b:b", status: "inProgress" })).toEqual([c]);
    expect(await find({ since: later, order: "desc" })).toEqual([c, b]);
    expect(await find({ until: later })).toEqual([a]);
  });

  test("pages through runs with large values within a transaction's limits, in small replies", async () => {
    const t = newBackend({ transactionLimits: true });
    const large = "x".repeat(400 * KIB);
    const ids: WorkflowId[] = [];
    for (let n = 0; n < 30; n++) {
      const runResult = { kind: "success", returnValue: large } as const;
      const id = await insertRun(t, { args: { large }, runResult });
      await insertSteps(t, id, { from: 0, to: 1 }, () => ({
        step: { args: { large } },
      }));
      ids.push(id);
    }
    const found = await allPages(t, 50);
    expect(found.ids).toEqual(ids);
    expect(found.pages).toBeGreaterThan(1);
  });

  test("counts steps in flight with large arguments within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    const large = "x".repeat(300 * KIB);
    for (let n = 0; n < 6; n++) {
      const id = await insertRun(t);
      await insertSteps(t, id, { from: 0, to: 9 }, () => ({
        step: { args: { large }, inProgress: true, runResult: undefined },
      }));
    }
    expect((await allPages(t, 50)).ids).toHaveLength(6);
    const { page } = await summaries(t);
    expect(page[0]!.steps).toEqual({ count: 9, inFlight: "6+" });
  });
});

describe("listSummaries: idPrefix", () => {
  test("a whole id finds its run at once, wherever it is", async () => {
    const t = newBackend();
    const id = await insertRun(t, { name: "a:a" });
    for (let n = 0; n < 300; n++) await insertRun(t, { name: "b:b" });
    const found = await summaries(t, { idPrefix: id, order: "desc" });
    expect(found.isDone).toBe(true);
    expect(found.page.map(({ workflowId }) => workflowId)).toEqual([id]);
  });

  test.each([
    ["another workflow", { name: "b:b" }],
    ["another status", { status: "failed" }],
    ["a later start", { since: Number.MAX_SAFE_INTEGER }],
    ["an earlier end of the range", { until: 1 }],
    ["a parent", { parent: "no id" }],
  ] as const)("a whole id with %s finds nothing", async (_what, filter) => {
    const t = newBackend();
    const id = await insertRun(t, { name: "a:a" });
    expect(await summaries(t, { idPrefix: id, ...filter })).toMatchObject({
      page: [],
      isDone: true,
    });
  });

  test("a beginning finds all runs with it, 256 runs a page", async () => {
    const t = newBackend();
    const ids: string[] = [];
    for (let n = 0; n < 300; n++) ids.push(await insertRun(t));
    const idPrefix = ids[150]!.slice(0, -"00workflows".length);
    const wanted = ids.filter((id) => id.startsWith(idPrefix));
    expect(wanted.length).toBeLessThan(300);
    expect(await allPages(t, 10, { idPrefix })).toEqual({
      ids: wanted,
      pages: 2,
    });
    expect((await allPages(t, 10, { idPrefix: "zzz" })).ids).toEqual([]);
  });

  test("an empty one selects everything, in pages of the asked size", async () => {
    const t = newBackend();
    for (let n = 0; n < 5; n++) await insertRun(t);
    const { pages, ids } = await allPages(t, 3, { idPrefix: "" });
    expect(ids).toHaveLength(5);
    expect(pages).toBe(2);
  });
});

describe("listSummaries: parent", () => {
  async function family(t: Backend) {
    script("handler", "child", async (step) => {
      await step.awaitEvent({ name: "go" });
    });
    return await startHandler(t, (step) =>
      Promise.all(
        [1, 2, 3].map((input) =>
          step.runWorkflow(workflows.workflow, { handler: "child", input }),
        ),
      ),
    );
  }

  test("lists a run's children and no others, in pages", async () => {
    const t = newBackend();
    const parent = await family(t);
    const other = await family(t);
    await advance(1000);
    const { page } = await summaries(t, { parent });
    expect(page.map(({ parent }) => parent)).toEqual(
      [0, 1, 2].map((stepNumber) => ({ workflowId: parent, stepNumber })),
    );
    const paged = await allPages(t, 2, { parent: other });
    expect(paged.ids).toHaveLength(3);
    expect(paged.pages).toBe(2);
  });

  test("together with a status lists the children with that status", async () => {
    const t = newBackend();
    const parent = await family(t);
    await advance(1000);
    const [first] = (await summaries(t, { parent })).page;
    await t.mutation((ctx) => manager.cancel(ctx, first!.workflowId));
    const find = async (status: "canceled" | "inProgress") =>
      (await summaries(t, { parent, status })).page.length;
    expect(await find("canceled")).toBe(1);
    expect(await find("inProgress")).toBe(2);
  });

  test("that is no id lists nothing", async () => {
    const t = newBackend();
    await family(t);
    expect((await summaries(t, { parent: "no id" })).page).toEqual([]);
  });
});

describe("listNames", () => {
  const names = (t: Backend) => t.query((ctx) => manager.listNames(ctx));

  test("has each workflow once, in alphabetical order", async () => {
    const t = newBackend();
    expect(await names(t)).toEqual([]);
    for (const name of ["b:b", "a:a", "c:c", "a:a", "b:b"])
      await insertRun(t, { name });
    await insertRun(t, { name: undefined });
    expect(await names(t)).toEqual(["a:a", "b:b", "c:c"]);
  });

  test("has at most 100, and reads one run of each within a transaction's limits", async () => {
    const t = newBackend({ transactionLimits: true });
    for (let n = 0; n < 120; n++) await insertRun(t, { name: `w:${1000 + n}` });
    expect(await names(t)).toHaveLength(100);
    const large = "x".repeat(900 * KIB);
    for (let n = 0; n < 20; n++)
      await insertRun(t, { name: `a:${10 + n}`, args: { large } });
    expect(await names(t)).toEqual(["a:10", "a:11", "a:12", "a:13", "a:14"]);
  });
});

describe("listStepSummaries", () => {
  test("has what listSteps has, without values, and how each step ended", async () => {
    const t = newBackend();
    script("handler", "child", async () => "done");
    const { workflowId } = await runHandler(t, async (step) => {
      await step.runMutation(steps.echo, { value: 1 });
      await step.runWorkflow(workflows.workflow, { handler: "child" });
      await step.sleep(10);
      script("mutation", "fails", () => {
        throw new Error(`no\n  second line ${"x".repeat(2000)}`);
      });
      await step.runMutation(steps.mutation, { name: "fails" }).catch(() => {});
      await step.awaitEvent({ name: "go", timeout: 10 }).catch(() => {});
    });
    const listed = await t.query((ctx) => manager.listSteps(ctx, workflowId));
    const { page } = await t.query((ctx) =>
      manager.listStepSummaries(ctx, workflowId),
    );
    expect(page.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ["function", "success"],
      ["workflow", "success"],
      ["sleep", "success"],
      ["function", "failed"],
      ["event", "failed"],
    ]);
    expect(page[3]!.error).toMatch(/no$/);
    for (const [at, step] of page.entries()) {
      const { outcome, error, attempts, ...rest } = step;
      expect(listed.page[at]).toMatchObject(rest);
      expect(listed.page[at]!.runResult).toMatchObject({ kind: outcome });
      if (error) expect(listed.page[at]!.runResult).toHaveProperty("error");
      expect(listed.page[at]!.attempts).toHaveLength(attempts.length);
      expect(step).not.toHaveProperty("args");
      expect(step).not.toHaveProperty("runResult");
    }
    expect(page[1]!.child).toMatchObject({ status: "completed" });
    expect(page[3]!.attempts[0]!.error).toBe(page[3]!.error);
  });

  test("cuts the first line of an error to 256 bytes", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    const error = "x".repeat(16 * KIB);
    await insertSteps(t, id, { from: 0, to: 1 }, () => ({
      step: { runResult: { kind: "failed", error } },
      row: { attempts: [{ startedAt: 0, endedAt: 1, error }] },
    }));
    const { page } = await t.query((ctx) => manager.listStepSummaries(ctx, id));
    expect(page[0]!.error!.length).toBeLessThanOrEqual(256);
    for (const attempt of page[0]!.attempts)
      expect(attempt.error!.length).toBeLessThanOrEqual(256);
  });

  test("gives 2,000 steps in four pages of less than 256 KiB", async () => {
    const t = newBackend({ transactionLimits: true });
    const id = await insertRun(t);
    for (let from = 0; from < 2000; from += 500)
      await insertSteps(t, id, { from, to: from + 500 });
    const page = (cursor: string | null) =>
      t.query((ctx) =>
        manager.listStepSummaries(ctx, id, {
          paginationOpts: { numItems: 500, cursor },
        }),
      );
    let found = await page(null);
    for (let pages = 1; pages <= 4; pages++) {
      expect(found.page).toHaveLength(500);
      expect(bytesOf(found)).toBeLessThan(256 * KIB);
      if (pages < 4) found = await page(found.continueCursor);
    }
  });

  test("of an unknown run are none", async () => {
    const t = newBackend();
    const id = await insertRun(t, { runResult: SUCCESS });
    await cleanup(t, id);
    for (const unknown of [id, "no id"])
      expect(
        await t.query((ctx) => manager.listStepSummaries(ctx, unknown)),
      ).toEqual({ page: [], isDone: true, continueCursor: "" });
  });
});

describe("getStep", () => {
  test("is the step as listSteps has it, with its values", async () => {
    const t = newBackend();
    const id = await insertRun(t);
    await insertSteps(t, id, { from: 0, to: 3 });
    const { page } = await t.query((ctx) => manager.listSteps(ctx, id));
    const get = (workflowId: string, stepNumber: number) =>
      t.query((ctx) => manager.getStep(ctx, workflowId, stepNumber));
    expect(await get(id, 1)).toEqual(page[1]);
    expect(await get(id, 3)).toBeNull();
    expect(await get(id, -1)).toBeNull();
    expect(await get("no id", 1)).toBeNull();
  });
});

test("an index on parents finds children that are written by the engine", async () => {
  const t = newBackend();
  script("handler", "child", async () => 1);
  const { workflowId } = await runHandler(t, (step) =>
    step.runWorkflow(workflows.workflow, { handler: "child" }),
  );
  const found = await inComponent(t, (ctx) =>
    ctx.db
      .query("workflows")
      .withIndex("parent", (q) =>
        q.eq("parent.workflowId", workflowId as never),
      )
      .collect(),
  );
  expect(found).toHaveLength(1);
});
