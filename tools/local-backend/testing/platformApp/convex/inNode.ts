"use node";
/** Actions that run in Node. */
import { createHash } from "node:crypto";
import { actionGeneric as action } from "convex/server";
import { ConvexError, v } from "convex/values";
import { api } from "./references.js";

export const calls = action({
  args: { key: v.string() },
  returns: v.any(),
  handler: async (ctx, { key }) => {
    console.log("hashing", { key });
    const hash = createHash("sha256").update(key).digest("hex");
    await ctx.runMutation(api.transactions.add, { key: hash });
    const keys = (await ctx.runQuery(api.transactions.keys, {})) as string[];
    return { found: keys.includes(hash), greeting: process.env.GREETING };
  },
});

export const fail = action({
  args: { how: v.string() },
  handler: async (ctx, { how }) => {
    switch (how) {
      case "ConvexError":
        throw new ConvexError({ code: 7 });
      case "call":
        return (await ctx.runMutation(api.transactions.fail, {
          kind: "ConvexError",
        })) as unknown;
      case "later":
        setImmediate(() => {
          throw new Error("nobody catches it");
        });
        return await new Promise(() => {});
      default:
        throw new TypeError("boom");
    }
  },
});

export const loop = action({
  args: {},
  handler: async () => {
    for (;;);
  },
});
