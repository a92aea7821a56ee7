/** Scheduled functions, actions and function handles. */
import {
  actionGeneric as action,
  createFunctionHandle,
  internalMutationGeneric as internalMutation,
  mutationGeneric as mutation,
  queryGeneric as query,
  type FunctionHandle,
} from "convex/server";
import { v } from "convex/values";
import { api, child } from "./references.js";

const VERSION = "version 1";

export const schedule = mutation({
  args: { kind: v.string(), delayMs: v.number(), fails: v.boolean() },
  handler: async (ctx, { kind, delayMs, fails }) => {
    const jobs = api.jobs;
    const target = {
      act: jobs.act,
      mark: jobs.mark,
      explode: jobs.explode,
      nested: jobs.scheduler,
      child: jobs.scheduler,
    }[kind];
    const id = await ctx.scheduler.runAfter(delayMs, target, { key: kind });
    if (fails) throw new Error("rolled back");
    return id;
  },
});

export const cancel = mutation({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) => await ctx.scheduler.cancel(id),
});

export const state = query({
  args: { id: v.id("_scheduled_functions") },
  handler: async (ctx, { id }) =>
    (await ctx.db.system.get("_scheduled_functions", id))?.state,
});

export const mark = internalMutation({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.db.insert("rows", { key, value: VERSION });
  },
});

export const explode = internalMutation({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.db.insert("rows", { key, value: null });
    throw new Error("boom");
  },
});

/** Marks its start, waits a second, and marks its end. */
export const act = action({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.runMutation(api.jobs.mark, { key: `${key} begins` });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await ctx.runMutation(api.jobs.mark, { key: `${key} ends` });
  },
});

export const handle = query({
  args: {},
  handler: async () => await createFunctionHandle(api.jobs.mark as never),
});

export const callHandle = mutation({
  args: { handle: v.string(), key: v.string() },
  handler: async (ctx, { handle, key }) => {
    await ctx.runMutation(handle as FunctionHandle<"mutation">, { key });
  },
});

/** Calls a mutation, and returns its result or error. */
export const tries = action({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    try {
      await ctx.runMutation(api.jobs.mark, { key });
      return "done";
    } catch (error) {
      return (error as Error).message;
    }
  },
});

export const actsUnawaited = action({
  args: {},
  handler: async (ctx) => {
    void ctx.runMutation(api.jobs.mark, { key: "" });
  },
});

/** Calls itself `levels` deep. Each call waits for the next. */
export const nest = action({
  args: { levels: v.number() },
  handler: async (ctx, { levels }): Promise<string> => {
    if (levels === 0) return "innermost";
    try {
      return (await ctx.runAction(api.jobs.nest, {
        levels: levels - 1,
      })) as string;
    } catch (error) {
      return (error as Error).message;
    }
  },
});

/** Catches errors from a function that takes long. */
export const wraps = mutation({
  args: { calls: v.number() },
  handler: async (ctx, { calls }) => {
    await ctx.db.insert("rows", { key: "wrapper", value: null });
    try {
      for (let i = 0; i < calls; i++)
        await ctx.runQuery(api.transactions.keys, {});
      return "done";
    } catch {
      return "caught";
    }
  },
});

/** Schedules a job that records the state in which it sees itself. */
export const scheduleLooking = mutation({
  args: {},
  handler: async (ctx) => await ctx.scheduler.runAfter(0, api.jobs.looks, {}),
});

export const looks = internalMutation({
  args: {},
  handler: async (ctx) => {
    const { scheduledFunctionId: id } = await ctx.meta.getRequestMetadata();
    const job = await ctx.db.system.get("_scheduled_functions", id as never);
    await ctx.db.insert("rows", { key: "looks", value: job?.state });
  },
});

/** Waits a second, then schedules marks in every possible way. */
export const scheduler = action({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (key === "nested") await ctx.runAction(api.jobs.schedules, {});
    else await ctx.runAction(child.notes.schedules, {});
  },
});

export const schedules = action({
  args: {},
  handler: async (ctx) => {
    await ctx.scheduler.runAfter(0, api.jobs.mark, { key: "by an action" });
    await ctx.runMutation(api.jobs.schedule, {
      ...{ kind: "mark", delayMs: 0, fails: false },
    });
  },
});
