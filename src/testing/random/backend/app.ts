import { ConvexError } from "convex/values";
import * as client from "../../../client/index.js";
import type { WorkflowId } from "../../../client/index.js";
import { components } from "../../app/_generated/api.js";
import { script } from "../../app/scripts.js";
import { PROGRAM, WORK, interpret, type WorkInput } from "../interpret.js";
import type { Node, Plan } from "../program.js";
import { dataOf, failureOf, nonRetryable, valueOf } from "../work.js";

/** Scripts the app's step functions to execute plans, and its handlers to execute programs. */
export function installPrograms() {
  /** How often each step's action was called. */
  const attempts = new Map<string, number>();
  script("handler", PROGRAM, (step, input) =>
    interpret(JSON.parse(input as string) as Node, step),
  );
  script("query", WORK, (_ctx, { plan }: WorkInput) => end(plan));
  script("mutation", WORK, async (ctx, { workflowId, plan }: WorkInput) => {
    const key = keyOf(workflowId, plan);
    await ctx.db.insert("effects", { key, value: plan.ends });
    if (plan.sends) {
      const event = {
        workflowId: workflowId as WorkflowId,
        name: plan.sends,
        value: `sent by step ${plan.id}`,
      };
      // A run that has ended accepts no events.
      await client
        .sendEvent(ctx, components.workflow, event)
        .catch(() => undefined);
    }
    return end(plan);
  });
  script("action", WORK, async (_ctx, { workflowId, plan }: WorkInput) => {
    const key = keyOf(workflowId, plan);
    const earlier = attempts.get(key) ?? 0;
    attempts.set(key, earlier + 1);
    if (plan.ms !== undefined)
      await new Promise((resolve) => setTimeout(resolve, plan.ms));
    if (plan.ends !== "nonRetryable" && earlier < (plan.failures ?? 0))
      throw new Error(`attempt ${earlier + 1} of step ${plan.id} failed`);
    return end(plan);
  });
  return { attempts };
}

/** Returns the key of a run's step, which its effects contain. */
export const keyOf = (workflowId: string, { id }: Plan) =>
  `${workflowId} ${id}`;

function end({ id, ends }: Plan) {
  switch (ends) {
    case "ok":
      return valueOf(id);
    case "fail":
      throw new Error(failureOf(id));
    case "convexError":
      throw new ConvexError(dataOf(id));
    case "nonRetryable":
      throw nonRetryable(id);
  }
}
