/** The functions of the steps. Each call belongs to a test's run and has a key that is unique in it. */
import {
  internalActionGeneric as internalAction,
  internalMutationGeneric as internalMutation,
  internalQueryGeneric as internalQuery,
} from "convex/server";
import { vResultValidator, vWorkflowId } from "@convex-dev/workflow";
import { v } from "convex/values";
import { api } from "./references.js";

const ofStep = { run: v.string(), key: v.string() };

export const read = internalQuery({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    await ctx.db
      .query("effects")
      .withIndex("run", (q) => q.eq("run", run))
      .first();
    // What nobody awaits is done all the same.
    void Promise.all([
      ctx.db.query("attempts").first(),
      ctx.db.query("endings").first(),
    ]);
    return `read ${key}`;
  },
});

/** Returns the id of the row that it wrote. */
export const write = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    return await ctx.db.insert("effects", { run, key });
  },
});

/** What it writes must not be seen. It prints more than is kept of the log. */
export const refuse = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    await ctx.db.insert("effects", { run, key });
    for (let line = 0; line < 300; line++) console.log(line);
    throw new Error(`refused ${key}`);
  },
});

/** Fails in its first `failures` attempts. Returns the id of the one that succeeds. */
export const act = internalAction({
  args: { ...ofStep, issuedAt: v.number(), failures: v.number() },
  handler: async (ctx, { run, key, issuedAt, failures }): Promise<string> => {
    const { id, number } = (await ctx.runMutation(api.steps.attempt, {
      ...{ run, key, issuedAt },
    })) as { id: string; number: number };
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (number <= failures) throw new Error(`attempt ${number} of ${key}`);
    return id;
  },
});

export const attempt = internalMutation({
  args: { ...ofStep, issuedAt: v.number() },
  handler: async (ctx, { run, key, issuedAt }) => {
    const id = await ctx.db.insert("attempts", { run, key, issuedAt });
    const attempts = await ctx.db
      .query("attempts")
      .withIndex("run", (q) => q.eq("run", run))
      .filter((q) => q.eq(q.field("key"), key))
      .collect();
    return { id, number: attempts.length };
  },
});

export const ended = internalMutation({
  args: {
    workflowId: vWorkflowId,
    result: vResultValidator,
    context: v.string(),
  },
  handler: async (ctx, { workflowId, result, context }) => {
    await ctx.db.insert("endings", { workflowId, result, run: context });
  },
});
