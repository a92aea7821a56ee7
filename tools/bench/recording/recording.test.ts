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

const CHANGE = { documentsRead: 1, impliedReads: 1, documentsWritten: 1 };

const query = ({ db }: Ctx) => db.query("things").withIndex("n");
const filtered = (ctx: Ctx, n: number) =>
  query(ctx).filter((q) => q.eq(q.field("n"), n));

test.each<[string, (ctx: Ctx) => Promise<unknown>, Partial<Figures>]>([
  [
    "an insert writes a document and reads none",
    ({ db }) => add(db, 1),
    { documentsWritten: 1 },
  ],
  [
    "a read by id takes an index range",
    ({ db }) => db.get(kept!),
    { indexRanges: 1, documentsRead: 1 },
  ],
  [
    "a read by id takes an index range even if there is no document",
    ({ db }) => db.get(deleted!),
    { indexRanges: 1 },
  ],
  ["a patch implies a read", ({ db }) => db.patch(kept!, { n: 7 }), CHANGE],
  ["a replace implies a read", ({ db }) => db.replace(kept!, { n: 7 }), CHANGE],
  ["a delete implies a read", ({ db }) => db.delete(kept!), CHANGE],
  [
    "a query reads the documents that it returns",
    (ctx) => query(ctx).take(2),
    { indexRanges: 1, documentsRead: 2 },
  ],
  [
    "a query with a filter also reads documents that the filter drops, up to its last result",
    (ctx) => filtered(ctx, 3).first(),
    { indexRanges: 1, documentsRead: 3 },
  ],
  [
    "a query whose filter drops all documents reads all of them",
    (ctx) => filtered(ctx, 99).first(),
    { indexRanges: 1, documentsRead: 5 },
  ],
])("%s", async (_title, body, counts) => {
  const [call] = await callsOf(body);
  expect(nonZero(call!.counts)).toEqual(counts);
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
          if (fails) throw new Error("As the test asked");
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

/** Returns the counts that aren't 0, without bytes. */
function nonZero(counts: object): Partial<Figures> {
  const { bytesRead: _, bytesWritten: __, ...rest } = counts as Figures;
  return Object.fromEntries(
    Object.entries(rest).filter(([, count]) => count !== 0),
  );
}
