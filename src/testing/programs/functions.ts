import {
  anyApi,
  componentsGeneric,
  defineSchema,
  defineTable,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v } from "convex/values";

/** Untyped, so that the app needs no generated code. */
export const api = anyApi as any;
export const components = componentsGeneric() as any;

export const schema = defineSchema({
  /** The values that mutations wrote. Each committed execution writes one row. */
  effects: defineTable({ value: v.any() }),
  ends: defineTable({ result: v.any() }),
  counts: defineTable({ key: v.string(), count: v.number() }).index("key", [
    "key",
  ]),
});

const optional = { value: v.optional(v.any()) };

export const read = internalQueryGeneric({
  args: optional,
  handler: (_ctx, { value }) => value as unknown,
});

export const write = internalMutationGeneric({
  args: optional,
  handler: async (ctx, { value }) => {
    await ctx.db.insert("effects", { value });
    return value as unknown;
  },
});

/** Takes a while and may fail. */
export const act = internalActionGeneric({
  args: { ...optional, ms: v.optional(v.number()), fails: v.optional(v.any()) },
  handler: async (_ctx, { value, ms, fails }) => {
    if (ms) await new Promise<void>((resolve) => setTimeout(resolve, ms));
    if (fails !== undefined) throw new Error(fails as string);
    return value as unknown;
  },
});

/** Fails in its first calls with a key. */
export const flaky = internalActionGeneric({
  args: { key: v.string(), failures: v.number() },
  handler: async (ctx, { key, failures }) => {
    const attempt = await ctx.runMutation(api.functions.count, { key });
    if (attempt <= failures) throw new Error(`Attempt ${attempt} of ${key}`);
    return attempt as number;
  },
});

/** Counts the calls with a key. */
export const count = internalMutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    const row = await ctx.db
      .query("counts")
      .withIndex("key", (q) => q.eq("key", key))
      .unique();
    const count = (row ? (row["count"] as number) : 0) + 1;
    if (row) await ctx.db.patch("counts", row._id, { count });
    else await ctx.db.insert("counts", { key, count });
    return count;
  },
});

export const fail = internalMutationGeneric({
  args: { message: v.string() },
  handler: async (ctx, { message }) => {
    await ctx.db.insert("effects", { value: "rolled back" });
    throw new Error(message);
  },
});
