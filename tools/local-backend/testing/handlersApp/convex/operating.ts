import { WorkflowManager } from "@convex-dev/workflow";
import { actionGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { api, components } from "../../flows/references.js";

// Runs with a deadline, a key and a retention.

const MINUTE = 60_000;

const workflow = new WorkflowManager(components.workflow, {
  retention: { completed: 60 * MINUTE },
});

export const waits = workflow
  .define({ args: {}, timeout: 10 * MINUTE })
  .handler(async (step) => await step.awaitEvent({ name: "go" }));

/** Fails until "up" is noted, after a step that must not be repeated and two attempts of an action. */
export const charges = workflow
  .define({ args: {} })
  .handler(async (step): Promise<unknown> => {
    await step.runMutation(api.operating["note"], { key: "reserved" });
    return await step.runAction(
      api.operating["charge"],
      {},
      { retry: { maxAttempts: 2, initialBackoffMs: 1000, base: 1 } },
    );
  });

/** Ends at the same time as its timeout. */
export const races = workflow
  .define({ args: {}, timeout: MINUTE })
  .handler(async (step) => await step.sleep(MINUTE));

/** Has a patch in two branches, next to a loop. */
export const patched = workflow
  .define({ args: {}, returns: v.array(v.string()) })
  .handler(async (step): Promise<string[]> => {
    const branch = async (name: string) => {
      await step.sleep(1000);
      const isNew = step.patched("note");
      if (isNew) await step.runMutation(api.operating["note"], { key: name });
      return `${name} ${isNew}`;
    };
    return await Promise.all([branch("a"), branch("b")]);
  });

export const historyOf = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => await workflow.exportHistory(ctx, id),
});

export const charge = actionGeneric({
  args: {},
  handler: async (ctx): Promise<string> => {
    const isUp = await ctx.runQuery(api.operating["countOf"], { key: "up" });
    if (isUp === 0) throw new Error("declined");
    return "charged";
  },
});

/** Notes the end of a run, but fails until "up" is noted. */
export const noteEnd = workflow.defineOnComplete({
  context: v.string(),
  handler: async (ctx, { result, context }) => {
    const up = await ctx.runQuery(api.operating["countOf"], { key: "up" });
    if (up === 0) throw new Error("out of order");
    await ctx.runMutation(api.operating["note"], {
      key: `${context} ${result.kind}`,
    });
  },
});

export const note = mutationGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.db.insert("effects", { value: key });
  },
});

export const countOf = queryGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    const all = await ctx.db.query("effects").collect();
    return all.filter((row) => row["value"] === key).length;
  },
});

export const restartAll = actionGeneric({
  args: {},
  handler: async (ctx) =>
    await workflow.restartMany(ctx, { fromFailure: true }),
});

export const retryEnds = actionGeneric({
  args: {},
  handler: async (ctx): Promise<number> => {
    const { page } = await workflow.listOnCompleteFailures(ctx);
    for (const { id } of page) await workflow.retryOnComplete(ctx, id);
    return page.length;
  },
});

export const attemptsOf = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => {
    const { page } = await workflow.listSteps(ctx, id);
    return page.map(({ name, attempts }) => ({
      name,
      errors: attempts.map(({ error }) => error ?? null),
    }));
  },
});

const options = {
  key: v.optional(v.string()),
  ifRunning: v.optional(v.union(v.literal("throw"), v.literal("replace"))),
};

/** Starts runs whose end is noted. */
export const startNoted = mutationGeneric({
  args: { name: v.string(), count: v.number() },
  handler: async (ctx, { name, count }) => {
    const ids = [];
    for (let index = 0; index < count; index++)
      ids.push(
        await workflow.start(
          ctx,
          api.operating[name],
          {},
          { onComplete: api.operating["noteEnd"], context: `run ${index}` },
        ),
      );
    return ids;
  },
});

export const start = mutationGeneric({
  args: { name: v.string(), ...options },
  handler: async (ctx, { name, ...rest }) =>
    await workflow.start(ctx, api.operating[name], {}, rest),
});

/** Starts runs in many transactions at once. */
export const startTogether = actionGeneric({
  args: { count: v.number(), ...options },
  handler: async (ctx, { count, ...rest }) => {
    const ids = await Promise.all(
      Array.from({ length: count }, () =>
        ctx.runMutation(api.operating["start"], { name: "waits", ...rest }),
      ),
    );
    return new Set(ids).size;
  },
});

export const statusOf = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => await workflow.status(ctx, id),
});

export const counts = queryGeneric({
  args: {},
  handler: async (ctx) => await workflow.counts(ctx),
});
