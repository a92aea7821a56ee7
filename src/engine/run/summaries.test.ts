import { expect, test } from "vitest";
import { cancel, insertRun } from "../../testing/managing.js";
import { manager } from "../../testing/app/workflows.js";
import {
  advance,
  newBackend,
  script,
  startHandler,
  useBackend,
  workflows,
  type Backend,
} from "../../testing/harness.js";
import { allPages } from "../../testing/paging.js";
import type { ListSummariesOptions } from "../../client/index.js";

useBackend();

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
