/** Transactions, nested calls and their failures. */
import {
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { api, child } from "./references.js";

export const add = mutation({
  args: { key: v.string(), value: v.optional(v.any()) },
  returns: v.id("rows"),
  handler: async (ctx, { key, value }) =>
    await ctx.db.insert("rows", { key, value: (value ?? null) as unknown }),
});

export const keys = query({
  args: {},
  handler: async (ctx) =>
    (await ctx.db.query("rows").collect()).map(({ key }) => key as string),
});

export const times = mutation({
  args: {},
  handler: async (ctx) => {
    const before = Date.now();
    const nested = (await ctx.runMutation(api.transactions.now, {})) as number;
    return [before, nested, Date.now()];
  },
});

export const now = mutation({
  args: {},
  handler: async () => {
    let sum = 0;
    for (let i = 0; i < 1_000_000; i++) sum += i;
    return sum > 0 ? Date.now() : 0;
  },
});

/** Makes all calls before it awaits any. */
export const inOrder = mutation({
  args: {},
  handler: async (ctx) => {
    const seen: string[] = [];
    const first = ctx.db.insert("rows", { key: "1", value: null });
    const nested = ctx.runMutation(api.transactions.add, { key: "2" });
    const read = ctx.db.query("rows").order("desc").first();
    const last = ctx.db.insert("rows", { key: "3", value: null });
    void first.then(() => seen.push("first"));
    void nested.then(() => seen.push("nested"));
    void last.then(() => seen.push("last"));
    const found = (await read)?.key as string;
    seen.push("read");
    await last;
    return { found, seen };
  },
});

export const fail = mutation({
  args: { kind: v.string() },
  handler: async (ctx, { kind }) => {
    await ctx.db.insert("rows", { key: "of the failed", value: null });
    switch (kind) {
      case "ConvexError":
        throw new ConvexError({ code: 7 });
      case "timer":
        try {
          setTimeout(() => {}, 1);
          await ctx.db.insert("rows", { key: "after the timer", value: null });
        } catch {
          return "caught";
        }
        return "went on";
      case "hang":
        return await new Promise(() => {});
      default:
        throw new TypeError("boom");
    }
  },
});

export const catches = mutation({
  args: { kind: v.string() },
  handler: async (ctx, { kind }) => {
    try {
      return (await ctx.runMutation(api.transactions.fail, {
        kind,
      })) as unknown;
    } catch (error) {
      const data =
        error instanceof ConvexError ? (error.data as unknown) : null;
      return { message: (error as Error).message, data };
    }
  },
});

export const depth = query({
  args: { left: v.number() },
  handler: async (ctx, { left }): Promise<number> =>
    left === 0
      ? 0
      : 1 + (await ctx.runQuery(api.transactions.depth, { left: left - 1 })),
});

export const fetches = query({
  args: {},
  handler: async () => {
    try {
      await fetch("https://example.com");
      return "fetched";
    } catch (error) {
      return (error as Error).message;
    }
  },
});

export const unawaited = mutation({
  args: {},
  handler: async (ctx) => {
    console.log("a line", { a: 1 }, 2n);
    void (async () => {
      await ctx.db.insert("rows", { key: "unawaited", value: null });
      await ctx.db.insert("rows", { key: "after it", value: null });
    })();
    return "returned";
  },
});

export const callsUnawaited = mutation({
  args: {},
  handler: async (ctx) => {
    void ctx.runMutation(api.transactions.unawaited, {});
  },
});

export const failsUnawaited = mutation({
  args: {},
  handler: async (ctx) => {
    void ctx.runMutation(api.transactions.fail, { kind: "" });
    return "returned";
  },
});

/** Returns, for each call, how many calls had been answered before the code saw its answer. */
export const readsTogether = mutation({
  args: {},
  handler: async (ctx) => {
    const id = await ctx.db.insert("rows", { key: "", value: null });
    const steps: string[] = [];
    let turn = 0;
    const seen = async (name: string, call: Promise<unknown>) => {
      await call;
      // Calls that are answered together see the same number.
      const before = turn;
      await Promise.resolve();
      turn++;
      steps.push(`${name}, seen ${before}`);
    };
    const calls = Array.from({ length: 18 }, (_, i) =>
      seen(`read ${i}`, ctx.db.get("rows", id)),
    );
    calls.push(seen("write", ctx.db.patch("rows", id, { key: "" })));
    calls.push(seen("read last", ctx.db.get("rows", id)));
    await Promise.all(calls);
    return steps;
  },
});

export const pages = query({
  args: { inComponent: v.boolean() },
  handler: async (ctx, { inComponent }) =>
    inComponent
      ? ((await ctx.runQuery(child.notes.page, {})) as unknown)
      : await ctx.db.query("rows").paginate({ cursor: null, numItems: 1 }),
});

/** Reads in every possible way, then fails. */
export const readsAndFails = query({
  args: { id: v.id("rows") },
  handler: async (ctx, { id }) => {
    await ctx.db.get("rows", id);
    await ctx.db.system.query("_scheduled_functions").first();
    await ctx.runQuery(child.notes.first, {});
    throw new Error("in the end");
  },
});

export const callsSecret = mutation({
  args: {},
  handler: async (ctx) =>
    (await ctx.runMutation(child.notes.secret, {})) as unknown,
});

/** Writes in both components. If it fails at the end, the writes are undone. */
export const acrossComponents = mutation({
  args: { fails: v.boolean() },
  handler: async (ctx, { fails }) => {
    await ctx.runMutation(child.notes.add, { text: "note" });
    await ctx.db.insert("rows", { key: "row", value: null });
    if (fails) throw new Error("in the end");
  },
});

export const imports = query({
  args: {},
  handler: async () => (await import("./later.js")).later,
});

export const wrongResult = query({
  args: {},
  returns: v.string(),
  handler: async () => 1 as never,
});

/** Tries to catch the error of a function that takes too long. */
export const wrapsSpin = mutation({
  args: {},
  handler: async (ctx) => {
    try {
      return (await ctx.runQuery(api.transactions.spin, {})) as unknown;
    } catch {
      return "caught";
    }
  },
});

export const spin = query({
  args: {},
  handler: async () => {
    let sum = 0;
    for (let i = 0; i < 100_000_000; i++) sum += i;
    return sum;
  },
});
