// Two hundred items in one run. Each goes through three steps of its own. A slow item doesn't delay
// the others, because an item's next step starts as soon as its last one is done. `maxParallelism`
// limits how many steps run at a time, 25 by default.
//
//   npx convex run batch:start
//   npx convex run batch:status '{ "workflowId": "<the id that printed>" }'
import { vWorkflowId, type WorkflowId } from "@convex-dev/workflow";
import { v } from "convex/values";
import { internal } from "./_generated/api.js";
import {
  internalAction,
  internalMutation,
  internalQuery,
} from "./_generated/server.js";
import { manage } from "./manage.js";
import { workflow } from "./workflow.js";

const vSummary = v.object({ saved: v.number(), skipped: v.number() });

export const batch = workflow
  .define({ args: { count: v.number() }, returns: vSummary })
  .handler(async (step, { count }) => {
    const { workflowId } = step;
    let done = 0;
    // `status` returns this as the run's progress.
    step.setProgress({ done, count });

    const importItem = async (item: number): Promise<boolean> => {
      const value = await step.runAction(
        internal.batch.fetchItem,
        { item },
        { retry: true },
      );
      const isWanted = await step.runQuery(internal.batch.isWanted, { value });
      await step.runMutation(internal.batch.save, {
        workflowId,
        item,
        value: isWanted ? value : null,
      });
      step.setProgress({ done: ++done, count });
      return isWanted;
    };

    const items = Array.from({ length: count }, (_, item) => item);
    const wanted = await Promise.all(items.map(importItem));
    const saved = wanted.filter(Boolean).length;
    return { saved, skipped: count - saved };
  });

/** Stands for a service that has data about each item. */
export const fetchItem = internalAction({
  args: { item: v.number() },
  returns: v.number(),
  handler: async (_ctx, { item }) => item * item,
});

export const isWanted = internalQuery({
  args: { value: v.number() },
  returns: v.boolean(),
  handler: async (_ctx, { value }) => value % 10 !== 6,
});

export const save = internalMutation({
  args: {
    workflowId: vWorkflowId,
    item: v.number(),
    value: v.union(v.number(), v.null()),
  },
  returns: v.null(),
  handler: async (ctx, item) => {
    await ctx.db.insert("items", item);
    return null;
  },
});

export const start = internalMutation({
  args: {
    /** Default: 200. */
    count: v.optional(v.number()),
  },
  returns: vWorkflowId,
  handler: async (ctx, { count }): Promise<WorkflowId> =>
    await workflow.start(ctx, internal.batch.batch, { count: count ?? 200 }),
});

export const { status, steps, list, cancel, restart, cleanup } =
  manage("batch:batch");
