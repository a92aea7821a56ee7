/** Values and transactions that are too large. */
import {
  actionGeneric as action,
  mutationGeneric as mutation,
  queryGeneric as query,
  type MutationMeta,
} from "convex/server";
import { v } from "convex/values";
import { api, child } from "./references.js";

const MiB = 1 << 20;

const values: Record<string, () => unknown> = {
  "an array of 8192": () => Array(8192).fill(0),
  "an array of 8193": () => Array(8193).fill(0),
  "1024 fields": () => fields(1024),
  "1025 fields": () => fields(1025),
  // The document itself is one more level.
  "nested 15 deep": () => nested(15),
  "nested 16 deep": () => nested(16),
  "almost 1 MiB": () => "x".repeat(MiB - 200),
  "more than 1 MiB": () => "x".repeat(MiB),
};

function fields(count: number) {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`f${i}`, 0]),
  );
}

function nested(depth: number): unknown {
  return depth === 0 ? 0 : [nested(depth - 1)];
}

export const store = mutation({
  args: { what: v.string() },
  handler: async (ctx, { what }) => {
    await ctx.db.insert("rows", { key: "large", value: values[what]!() });
  },
});

/** Catches the error from a patch that makes a document too large. The patch must not be kept. */
export const patchTooMuch = mutation({
  args: {},
  handler: async (ctx) => {
    const value = "x".repeat(MiB - 200);
    const id = await ctx.db.insert("rows", { key: "", value });
    try {
      await ctx.db.patch(id, { key: "x".repeat(1000) });
    } catch {
      return "caught";
    }
    return "patched";
  },
});

export const returns = query({
  args: { mebibytes: v.number() },
  handler: async (_ctx, { mebibytes }) =>
    Array.from({ length: mebibytes }, () => "x".repeat(MiB)),
});

export const returnsNested = query({
  args: { depth: v.number() },
  handler: async (_ctx, { depth }) => nested(depth),
});

export const reads = query({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let i = 0; i < count; i++) await ctx.db.query("rows").first();
  },
});

export const schedules = mutation({
  args: { count: v.number() },
  handler: async (ctx, { count }) => {
    for (let i = 0; i < count; i++)
      await ctx.scheduler.runAfter(1000, "transactions:now" as never, {});
    return (await ctx.meta.getTransactionMetrics()).functionsScheduled.used;
  },
});

async function rangesUsed(ctx: {
  meta: Pick<MutationMeta, "getTransactionMetrics">;
}) {
  const { databaseQueries } = await ctx.meta.getTransactionMetrics();
  return databaseQueries.used;
}

export const rangesOfOwnModule = query({
  args: {},
  handler: async (ctx) => await rangesUsed(ctx),
});

/** Returns the number of index ranges that calls of other modules take, one after another. */
export const rangesOfModules = mutation({
  args: {},
  handler: async (ctx) => {
    const taken: number[] = [];
    for (const call of [
      () => ctx.runQuery(api.modules.nothing, {}),
      () => ctx.runQuery(api.modules.importsLater, { imports: false }),
      () => ctx.runQuery(child.notes.environment, {}),
      () => ctx.runQuery(api.limits.returns, { mebibytes: 0 }),
    ]) {
      const before = await rangesUsed(ctx);
      await call();
      taken.push((await rangesUsed(ctx)) - before);
    }
    return taken;
  },
});

/** Gives a function in another module a number of ranges, and catches its errors. */
export const callsWithRanges = mutation({
  args: { ranges: v.number() },
  handler: async (ctx, { ranges }) => {
    await ctx.db.insert("rows", { key: "caller", value: null });
    try {
      return (await ctx.runQuery(
        api.modules.readsOnce,
        {},
        { transactionLimits: { databaseQueries: ranges } },
      )) as string;
    } catch (error) {
      return (error as Error).message;
    }
  },
});

export const triesWithRanges = action({
  args: { ranges: v.number() },
  handler: async (ctx, { ranges }) => {
    try {
      return (await ctx.runMutation(api.limits.callsWithRanges, {
        ranges,
      })) as string;
    } catch (error) {
      return `caught by the action: ${(error as Error).message}`;
    }
  },
});

export const schedulesCallWithRanges = mutation({
  args: { ranges: v.number() },
  handler: async (ctx, { ranges }) =>
    await ctx.scheduler.runAfter(0, api.limits.callsWithRanges, { ranges }),
});
