import type { Value } from "convex/values";
import { describe, expect, test } from "vitest";
import { internal as component } from "../../component/_generated/api.js";
import { Calls, callersOf } from "../../testing/calls.js";
import {
  callInternal,
  listenToConsole,
  reportDeath,
} from "../../testing/managing.js";
import {
  advance,
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
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { MiB } from "../../testing/units.js";

// G7: a step's function may use nearly all of a transaction, and recording its result takes the rest.

useBackend();
const heard = listenToConsole();

/** Metrics of a transaction's limits. */
type Ctx = Parameters<Parameters<typeof script<"mutation">>[2]>[0];

const call = { name: "greedy" };
const MB = 1_000_000;
const large = "x".repeat(MiB - 1000);
const result = "y".repeat(800 * 1024 - 10);

async function times(count: number, one: (at: number) => unknown) {
  for (let at = 0; at < count; at++) await one(at);
  return count;
}
const insert = (ctx: Pick<Ctx, "db">, value: Value) =>
  ctx.db.insert("effects", { key: "many", value });

describe("a step whose function uses nearly all of a transaction is recorded, and its run continues:", () => {
  test.each<[string, (ctx: Ctx) => Promise<unknown>, unknown?]>([
    [
      "15,900 documents written",
      (ctx) => times(15_900, (at) => insert(ctx, at)),
    ],
    [
      "15.8 MB written",
      async (ctx) => {
        await times(15, () => insert(ctx, "x".repeat(MB - 1000)));
        await insert(ctx, "x".repeat(0.9 * MB - 1000));
        return 1;
      },
    ],
    [
      "15 MiB written, with a result as large as results may be",
      async (ctx) => {
        await times(15, () => insert(ctx, large));
        return result;
      },
    ],
    [
      "4,090 index ranges",
      (ctx) => times(4090, () => useOne.databaseQueries(ctx)),
    ],
    [
      "998 functions scheduled",
      (ctx) => times(998, () => useOne.functionsScheduled(ctx)),
    ],
    [
      "15 MiB of arguments scheduled",
      (ctx) =>
        times(3, () =>
          ctx.scheduler.runAfter(365 * 86_400_000, steps.echoAction, {
            value: "x".repeat(5 * MiB - 1000),
          }),
        ),
    ],
  ])("%s", async (_what, greedy) => {
    const t = newBackend({ transactionLimits: true });
    let returned: unknown;
    script("mutation", "greedy", async (ctx) => (returned = await greedy(ctx)));
    const { status } = await runHandler(t, async (step) => {
      const kept: unknown = await step.runMutation(steps.mutation, call);
      const value = "after";
      // Not returned, because a difference would fill the screen.
      return [
        kept === returned,
        await step.runQuery(steps.echoQuery, { value }),
      ];
    });
    expect(status).toEqual(completed([true, "after"]));
    expect(heard.said).toEqual([]);
  });

  test.each<[string, number, number, Value]>([
    ["31,900 documents read", 4, 7975, 1],
    ["15 MiB read", 3, 5, large],
  ])("%s", async (_what, batches, size, value) => {
    const t = newBackend({ transactionLimits: true });
    for (let batch = 0; batch < batches; batch++)
      await t.run((ctx) => times(size, () => insert(ctx, value)));
    script("query", "greedy", async (ctx) => {
      const all = await ctx.db.query("effects").collect();
      return all.length;
    });
    const { status } = await runHandler(t, (step) =>
      step.runQuery(steps.query, call),
    );
    expect(status).toEqual(completed(batches * size));
  });

  test.each([
    "documentsWritten",
    "databaseQueries",
    "functionsScheduled",
    "bytesWritten",
    "bytesRead",
  ] as const)(
    "all of its %s, in a group of steps with large arguments",
    async (limit) => {
      const t = newBackend({ transactionLimits: true });
      const stored = "x".repeat(900_000);
      await t.run((ctx) =>
        ctx.db.insert("effects", { key: "large", value: stored }),
      );
      script("mutation", "greedy", async (ctx) => {
        await useUp(ctx, limit);
        return limit;
      });
      const id = await startHandler(
        t,
        async (step) => {
          const [used] = await Promise.all([
            step.runMutation(steps.mutation, call),
            step.runQuery(steps.echoQuery, { value: stored.slice(400_000) }),
          ]);
          return used;
        },
        { input: stored.slice(500_000) },
      );
      await advance(60_000);
      expect(await statusOf(t, id)).toEqual(completed(limit));
      expect(heard.said).toEqual([]);
    },
  );
});

type Limit = keyof typeof useOne;

/** Uses one more unit of each limit. */
const useOne = {
  documentsWritten: (ctx: Ctx) =>
    ctx.db.insert("effects", { key: "many", value: 1 }),
  databaseQueries: (ctx: Ctx) => ctx.db.query("ended").first(),
  functionsScheduled: (ctx: Ctx) =>
    ctx.scheduler.runAfter(365 * 86_400_000, steps.echo, { value: 1 }),
  bytesWritten: (ctx: Ctx) =>
    ctx.db.insert("effects", { key: "some", value: "x".repeat(64 * 1024) }),
  bytesRead: (ctx: Ctx) =>
    ctx.db
      .query("effects")
      .withIndex("key", (q) => q.eq("key", "large"))
      .first(),
};

const bytesOfOne = { bytesWritten: 70 * 1024, bytesRead: 900_200 };

/** Uses almost everything that is left, so that one more unit doesn't fit. */
async function useUp(ctx: Ctx, limit: Limit) {
  const metrics = await ctx.meta.getTransactionMetrics();
  const ofOne = bytesOfOne[limit as keyof typeof bytesOfOne] ?? 1;
  const left = Math.floor(metrics[limit].remaining / ofOne);
  await times(left, () => useOne[limit](ctx));
}

describe("a step whose function uses more than a transaction has", () => {
  test("fails, can be caught, keeps none of its writes, and the run continues", async () => {
    const t = newBackend({ transactionLimits: true });
    script("mutation", "greedy", async (ctx) => {
      for (;;) await ctx.db.insert("effects", { key: "many", value: 1 });
    });
    const { status, workflowId } = await runHandler(t, async (step) => {
      const error = await step
        .runMutation(steps.mutation, call)
        .catch((caught: Error) => caught.message);
      await step.runMutation(steps.echo, { value: "after" });
      return error;
    });
    expect(status).toEqual(
      completed(expect.stringMatching(/too many documents/) as string),
    );
    expect(await effects(t)).toEqual(["after"]);
    const [row] = await journal(t, workflowId);
    expect(row!.step.runResult).toMatchObject({ kind: "failed" });
  });
});

describe.each(["driver", "pool"] as const)(
  "a query step of a run in mode %s",
  (execution) => {
    test("runs outside any transaction, so its run doesn't conflict with the data that it reads", async () => {
      const calls = new Calls();
      const t = newBackend({ execution, wrap: calls.wrap });
      const { status } = await runHandler(t, async (step) => [
        await step.runQuery(steps.echoQuery, { value: 1 }),
        await Promise.all([
          step.runQuery(steps.echoQuery, { value: 2 }),
          step.runMutation(steps.echo, { value: 3 }),
        ]),
        await step.runQuery(steps.echoQuery, { value: 4 }),
      ]);
      expect(status).toMatchObject({ result: [1, [2, 3], 4] });
      const queries = calls.of("steps:echoQuery");
      expect(queries).toHaveLength(3);
      const callers = new Set(queries.flatMap(callersOf));
      const actions = ["driving:drive", "execute:action", "worker:runBatch"];
      expect([...callers].filter((path) => !actions.includes(path))).toEqual(
        [],
      );
      expect(heard.said).toEqual([]);
    });

    test("runs again if its job or driver crashed, because it has no effects", async () => {
      const t = newBackend({ execution });
      let executions = 0;
      script("query", "read", () => ++executions);
      await callInternal(t, component.utils.updateConfig, {
        maxParallelism: 0,
      });
      const id = await startHandler(t, async (step) => {
        const [read] = await Promise.all([
          step.runQuery(steps.query, { name: "read" }),
          step.sleep(10),
        ]);
        return read;
      });
      await reportDeath(t, id, execution);
      await advance(100);
      await callInternal(t, component.utils.updateConfig, {
        maxParallelism: 5,
      });
      await drain();
      expect(await statusOf(t, id)).toMatchObject({ type: "completed" });
      // The first job isn't dead. A driver finds that it was replaced.
      expect(executions).toBe(execution === "driver" ? 1 : 2);
    });
  },
);
