import { describe, expect, test } from "vitest";
import { listenToConsole } from "../../testing/managing.js";
import {
  advance,
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

// G7: a step's function may use nearly all of a transaction, of which its result takes the rest.

useBackend();
const heard = listenToConsole();

const MiB = 1 << 20;

/** Metrics of what a transaction may use. */
type Ctx = Parameters<Parameters<typeof script<"mutation">>[2]>[0];

/** Has one mutation step do something, and says how its run ended. */
async function runGreedy(greedy: (ctx: Ctx) => unknown) {
  const t = newBackend({ transactionLimits: true });
  script("mutation", "greedy", greedy);
  const { status, workflowId } = await runHandler(t, async (step) => {
    const result = await step.runMutation(steps.mutation, { name: "greedy" });
    return [result, await step.runQuery(steps.echoQuery, { value: "after" })];
  });
  return { t, status, workflowId };
}

const went = (result: unknown) => ({
  type: "completed",
  result: [result, "after"],
});

describe("a step whose function uses nearly all of a transaction is recorded, and its run continues:", () => {
  test("15,900 documents written", async () => {
    const { status } = await runGreedy(async (ctx) => {
      for (let count = 0; count < 15_900; count++)
        await ctx.db.insert("effects", { key: "many", value: count });
      return "written";
    });
    expect(status).toEqual(went("written"));
    expect(heard.said).toEqual([]);
  });

  test("15 MiB written", async () => {
    const { status } = await runGreedy(async (ctx) => {
      const value = "x".repeat(MiB - 1000);
      for (let count = 0; count < 15; count++)
        await ctx.db.insert("effects", { key: "large", value });
      return "written";
    });
    expect(status).toEqual(went("written"));
  });

  test("15 MiB written, with a result as large as results may be", async () => {
    const result = "y".repeat(800 * 1024 - 10);
    const { status } = await runGreedy(async (ctx) => {
      const value = "x".repeat(MiB - 1000);
      for (let count = 0; count < 15; count++)
        await ctx.db.insert("effects", { key: "large", value });
      return result;
    });
    // Not compared as a whole: a difference would fill the screen.
    expect(status).toMatchObject({ type: "completed" });
    const [kept] = (status as { result: string[] }).result;
    expect(kept!.length).toBe(result.length);
  });

  test("31,900 documents read", async () => {
    const t = newBackend({ transactionLimits: true });
    for (let batch = 0; batch < 4; batch++)
      await t.run(async (ctx) => {
        for (let count = 0; count < 7975; count++)
          await ctx.db.insert("effects", { key: "many", value: 1 });
      });
    script("query", "greedy", async (ctx) => {
      const all = await ctx.db.query("effects").collect();
      return all.length;
    });
    const { status } = await runHandler(t, (step) =>
      step.runQuery(steps.query, { name: "greedy" }),
    );
    expect(status).toEqual(completed(31_900));
  });

  test("15 MiB read", async () => {
    const t = newBackend({ transactionLimits: true });
    for (let batch = 0; batch < 3; batch++)
      await t.run(async (ctx) => {
        const value = "x".repeat(MiB - 1000);
        for (let count = 0; count < 5; count++)
          await ctx.db.insert("effects", { key: "large", value });
      });
    script("query", "greedy", async (ctx) => {
      const all = await ctx.db.query("effects").collect();
      return all.length;
    });
    const { status } = await runHandler(t, (step) =>
      step.runQuery(steps.query, { name: "greedy" }),
    );
    expect(status).toEqual(completed(15));
  });

  test("4,000 index ranges", async () => {
    const { status } = await runGreedy(async (ctx) => {
      for (let count = 0; count < 4000; count++)
        await ctx.db
          .query("effects")
          .withIndex("key", (q) => q.eq("key", `${count}`))
          .first();
      return "asked";
    });
    expect(status).toEqual(went("asked"));
  });

  test("980 functions scheduled", async () => {
    const { status } = await runGreedy(async (ctx) => {
      for (let count = 0; count < 980; count++)
        await ctx.scheduler.runAfter(0, steps.echo, { value: count });
      return "scheduled";
    });
    expect(status).toEqual(went("scheduled"));
  });

  test("15 MiB of arguments scheduled", async () => {
    const { status } = await runGreedy(async (ctx) => {
      const name = "x".repeat(5 * MiB - 1000);
      for (let count = 0; count < 3; count++)
        await ctx.scheduler.runAfter(365 * 86_400_000, steps.action, { name });
      return "scheduled";
    });
    expect(status).toMatchObject(went("scheduled"));
  });

  test.each([
    "documentsWritten",
    "databaseQueries",
    "functionsScheduled",
    "bytesWritten",
    "bytesRead",
  ] as const)(
    "all of the %s that it gets, in a group of steps with large arguments",
    async (limit) => {
      const t = newBackend({ transactionLimits: true });
      const large = "x".repeat(900_000);
      await t.run((ctx) =>
        ctx.db.insert("effects", { key: "large", value: large }),
      );
      script("mutation", "greedy", async (ctx) => {
        await useUp(ctx, limit);
        return limit;
      });
      const id = await startHandler(
        t,
        async (step) => {
          const [used] = await Promise.all([
            step.runMutation(steps.mutation, { name: "greedy" }),
            step.runQuery(steps.echoQuery, { value: large.slice(400_000) }),
          ]);
          return used;
        },
        { input: large.slice(500_000) },
      );
      await advance(60_000);
      expect(await statusOf(t, id)).toEqual(completed(limit));
      expect(heard.said).toEqual([]);
    },
  );
});

test("a mutation step may use almost all of a transaction", async () => {
  const t = newBackend({ transactionLimits: true, execution: "driver" });
  const MB = 1_000_000;
  const text = "x".repeat(MB - 1000);
  script("mutation", "writes", async (ctx) => {
    for (let at = 0; at < 15; at++)
      await ctx.db.insert("effects", { key: "MB", value: text });
    await ctx.db.insert("effects", { key: "MB", value: text.slice(MB / 10) });
  });
  script("mutation", "schedules", async (ctx) => {
    for (let at = 0; at < 998; at++) await useOne.functionsScheduled(ctx);
  });
  script("mutation", "reads", async (ctx) => {
    for (let at = 0; at < 4090; at++) await useOne.databaseQueries(ctx);
  });
  const id = await startHandler(t, async (step) => {
    for (const name of ["writes", "schedules", "reads"])
      await step.runMutation(steps.mutation, { name });
    return "done";
  });
  await advance(600_000);
  expect(await statusOf(t, id)).toEqual(completed("done"));
});

type Limit = keyof typeof useOne;

/** One more of each thing that is limited. */
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

/** Uses all that is left, but for less than one more takes. */
async function useUp(ctx: Ctx, limit: Limit) {
  const metrics = await ctx.meta.getTransactionMetrics();
  const ofOne = bytesOfOne[limit as keyof typeof bytesOfOne] ?? 1;
  const times = Math.floor(metrics[limit].remaining / ofOne);
  for (let count = 0; count < times; count++) await useOne[limit](ctx);
}

describe("a step whose function uses more than a transaction has", () => {
  test("fails, can be caught, keeps none of its writes, and the run continues", async () => {
    const t = newBackend({ transactionLimits: true });
    script("mutation", "greedy", async (ctx) => {
      for (;;) await ctx.db.insert("effects", { key: "many", value: 1 });
    });
    const { status, workflowId } = await runHandler(t, async (step) => {
      const error = await step
        .runMutation(steps.mutation, { name: "greedy" })
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

  test("fails its attempt only: others in flight are unaffected", async () => {
    const t = newBackend({ transactionLimits: true });
    script("query", "greedy", async (ctx) => {
      for (;;) await ctx.db.query("ended").first();
    });
    const { status } = await runHandler(t, async (step) => {
      const all = await Promise.allSettled([
        step.runQuery(steps.query, { name: "greedy" }),
        step.runMutation(steps.echo, { value: 1 }),
      ]);
      return all.map((one) => one.status);
    });
    expect(status).toEqual(completed(["rejected", "fulfilled"]));
  });
});
