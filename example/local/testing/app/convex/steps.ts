/** What the steps run. Each belongs to a run of a test and has a key that is unique in it. */
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
    return `read ${key}`;
  },
});

export const write = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    await ctx.db.insert("effects", { run, key });
    return `wrote ${key}`;
  },
});

/** What it writes must not be seen. */
export const refuse = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    await ctx.db.insert("effects", { run, key });
    throw new Error(`refused ${key}`);
  },
});

/** Fails in its first `failures` attempts. */
export const act = internalAction({
  args: { ...ofStep, failures: v.number() },
  handler: async (ctx, { run, key, failures }): Promise<string> => {
    const attempt = (await ctx.runMutation(api.steps.attempt, {
      run,
      key,
    })) as number;
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (attempt <= failures) throw new Error(`attempt ${attempt} of ${key}`);
    return `acted ${key}`;
  },
});

export const attempt = internalMutation({
  args: ofStep,
  handler: async (ctx, { run, key }) => {
    await ctx.db.insert("attempts", { run, key });
    const attempts = await ctx.db
      .query("attempts")
      .withIndex("run", (q) => q.eq("run", run))
      .filter((q) => q.eq(q.field("key"), key))
      .collect();
    return attempts.length;
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
