// @vitest-environment node
import { convexTest } from "convex-test";
import {
  defineSchema,
  defineTable,
  internalActionGeneric,
  internalMutationGeneric,
  makeFunctionReference,
  type GenericMutationCtx,
} from "convex/server";
import { v, type GenericId } from "convex/values";
import { expect, test } from "vitest";
import { clock } from "../clock.js";
import { figuresOf, type Figures } from "../measuring.js";
import type { Call } from "./call.js";
import { recordFunctions } from "./functions.js";
import { recordOperations } from "./operations.js";
import { recorder } from "./recorder.js";

type Ctx = GenericMutationCtx<any>;

test("an insert writes a document and reads none", async () => {
  expect(await countsOf(async ({ db }) => void (await add(db, 1)))).toEqual({
    documentsWritten: 1,
  });
});

test("a read by id takes an index range, even if there is no document", async () => {
  const found = await countsOf(async ({ db }) => void (await db.get(kept!)));
  expect(found).toEqual({ indexRanges: 1, documentsRead: 1 });
  const gone = await countsOf(async ({ db }) => void (await db.get(deleted!)));
  expect(gone).toEqual({ indexRanges: 1 });
});

test.each([
  ["patch", async ({ db }: Ctx) => await db.patch(kept!, { n: 7 })],
  ["replace", async ({ db }: Ctx) => await db.replace(kept!, { n: 7 })],
  ["delete", async ({ db }: Ctx) => await db.delete(kept!)],
] as const)("a %s implies a read", async (_, change) => {
  expect(await countsOf(change)).toEqual({
    documentsRead: 1,
    impliedReads: 1,
    documentsWritten: 1,
  });
});

test("a query reads the documents that it returns", async () => {
  const first = async ({ db }: Ctx) =>
    void (await db.query("things").withIndex("n").take(2));
  expect(await countsOf(first)).toEqual({ indexRanges: 1, documentsRead: 2 });
});

test("a query with a filter also reads documents that the filter drops, up to its last result", async () => {
  const filtered = (n: number) => async (ctx: Ctx) =>
    void (await ctx.db
      .query("things")
      .withIndex("n")
      .filter((q) => q.eq(q.field("n"), n))
      .first());
  expect(await countsOf(filtered(3))).toEqual({
    indexRanges: 1,
    documentsRead: 3,
  });
  expect(await countsOf(filtered(99))).toEqual({
    indexRanges: 1,
    documentsRead: 5,
  });
});

test("a nested call's operations count even if they were undone", async () => {
  const calls = await callsOf(async (ctx) => {
    await ctx.runMutation(reference("nested"), { fails: true }).catch(() => 0);
    await ctx.runMutation(reference("nested"), { fails: false });
  });
  expect(calls.map(({ failed }) => failed)).toEqual([false, true, false]);
  expect(nonZero(figuresOf(calls))).toMatchObject({
    transactions: 1,
    nestedCalls: 2,
    depth: 1,
    indexRanges: 2,
    documentsRead: 2,
  });
});

test("a scheduled function is a hop, and each call from an action is its own transaction", async () => {
  const calls = await callsOf(async ({ scheduler }) => {
    await scheduler.runAfter(1000, reference("action"));
  });
  expect(nonZero(figuresOf(calls))).toEqual({
    transactions: 2,
    actions: 1,
    hops: 1,
    scheduled: 1,
    indexRanges: 1,
    documentsRead: 1,
    mostDocumentsRead: 1,
  });
  expect(calls[1]!.job).toMatchObject({ by: calls[0], delay: 1000 });
});

const schema = defineSchema({
  things: defineTable({ n: v.number() }).index("n", ["n"]),
});

let kept: GenericId<"things"> | undefined;
let deleted: GenericId<"things"> | undefined;

const add = async (db: Ctx["db"], n: number) =>
  await db.insert("things", { n });

const reference = (name: string) =>
  makeFunctionReference<"mutation", any>(`functions:${name}`);

/** Runs a function over five documents, and returns its call and all calls that it causes. */
async function callsOf(body: (ctx: Ctx) => Promise<unknown>): Promise<Call[]> {
  const modules = {
    "./_generated/api.js": async () => ({}),
    "./functions.ts": async () => ({
      body: internalMutationGeneric(async (ctx) => void (await body(ctx))),
      nested: internalMutationGeneric(
        async ({ db }, { fails }: { fails: boolean }) => {
          await db.get(kept!);
          if (fails) throw new Error("As it was told");
        },
      ),
      action: internalActionGeneric(async (ctx) => {
        await ctx.runMutation(reference("nested"), { fails: false });
      }),
    }),
  };
  clock.install();
  clock.reset();
  recorder.reset();
  const t = convexTest({
    schema,
    modules: await recordFunctions(modules, "app"),
  });
  recordOperations();
  await t.run(async ({ db }) => {
    const ids = [];
    for (let n = 1; n <= 6; n++) ids.push(await add(db, n));
    [kept, deleted] = [ids[0], ids[5]] as GenericId<"things">[];
    await db.delete(deleted!);
  });
  return await recorder.during(async () => {
    await t.mutation(reference("body"), {});
    await clock.runUntil(() => false, 60_000);
  });
}

/** Returns the counts of a single call, without bytes. */
async function countsOf(body: (ctx: Ctx) => Promise<unknown>) {
  const [call] = await callsOf(body);
  return nonZero(call!.counts);
}

function nonZero(counts: object): Partial<Figures> {
  const { bytesRead: _, bytesWritten: __, ...rest } = counts as Figures;
  return Object.fromEntries(
    Object.entries(rest).filter(([, count]) => count !== 0),
  );
}
