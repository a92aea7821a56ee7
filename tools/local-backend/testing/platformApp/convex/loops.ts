/** Code that loops forever. */
import {
  actionGeneric as action,
  mutationGeneric as mutation,
  queryGeneric as query,
} from "convex/server";
import { api } from "./references.js";

function loop(): never {
  for (;;);
}

export const inQuery = query({ args: {}, handler: async () => loop() });

export const afterAwait = query({
  args: {},
  handler: async (ctx) => {
    await ctx.db.query("rows").first();
    loop();
  },
});

export const ofMicrotasks = query({
  args: {},
  handler: async () => {
    for (;;) await Promise.resolve();
  },
});

export const ofHostCalls = mutation({
  args: {},
  handler: async (ctx) => {
    for (;;) ctx.db.normalizeId("rows", "x");
  },
});

/** Its writes must not be kept. */
export const inMutation = mutation({
  args: {},
  handler: async (ctx) => {
    await ctx.db.insert("rows", { key: "of a loop", value: null });
    for (;;) {
      try {
        loop();
      } finally {
        loop();
      }
    }
  },
});

export const catchesNested = mutation({
  args: {},
  handler: async (ctx) => {
    try {
      await ctx.runMutation(api.loops.inMutation, {});
    } catch {
      return "caught";
    }
    return "went on";
  },
});

export const inAction = action({
  args: {},
  handler: async () => {
    console.log("looping");
    loop();
  },
});

export const fillsMemory = query({
  args: {},
  handler: async () => {
    const all: number[][] = [];
    for (;;) all.push(Array(100_000).fill(all.length) as number[]);
  },
});
