/** The functions of the steps. Each call belongs to a run and has a key that is unique in it. */
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
    // Calls that nobody awaits still run.
    void Promise.all([
      ctx.db.query("attempts").first(),
      ctx.db.query("endings").first(),
    ]);
    return `read ${key}`;
  },
});

/** Writes a row and returns its id. */
export const write = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    return await ctx.db.insert("effects", { run, key });
  },
});

/** Fails, so its writes must stay invisible. It also prints more lines than are kept. */
export const refuse = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    await ctx.db.insert("effects", { run, key });
    for (let line = 0; line < 300; line++) console.log(line);
    throw new Error(`refused ${key}`);
  },
});

/** Fails in its first `failures` attempts. Returns the id of the successful attempt's row. */
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
