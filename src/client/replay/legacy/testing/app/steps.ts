import {
  createFunctionHandle,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { ConvexError, v, type Value } from "convex/values";
import { components, functions, workflows } from "./_generated/api.js";

/** Tells a step to return `value`, or to throw `error` or `data`. Other arguments are only recorded. */
interface Order {
  value?: unknown;
  error?: string;
  data?: Value;
}

function obey({ value, error, data }: Order): unknown {
  if (error !== undefined) throw new Error(error);
  if (data !== undefined) throw new ConvexError(data);
  return value;
}

export const mutate = internalMutationGeneric({
  args: v.any(),
  handler: async (_ctx, given: Order) => obey(given),
});

export const read = internalQueryGeneric({
  args: v.any(),
  handler: async (_ctx, given: Order) => obey(given),
});

const attempts = new Map<unknown, number>();

/** Takes `ms` milliseconds, and fails as many attempts as requested. */
export const act = internalActionGeneric({
  args: v.any(),
  handler: async (
    _ctx,
    given: Order & { ms?: number; failures?: number },
  ): Promise<unknown> => {
    if (given.ms) await new Promise((done) => setTimeout(done, given.ms));
    const attempt = (attempts.get(given.value) ?? 0) + 1;
    attempts.set(given.value, attempt);
    if (attempt <= (given.failures ?? 0))
      throw new Error(`attempt ${attempt} failed`);
    attempts.delete(given.value);
    return obey(given);
  },
});

/** An onComplete that records its calls in a table. */
export const ended = internalMutationGeneric({
  args: v.any(),
  handler: async (ctx, args: Record<string, Value>) => {
    await ctx.db.insert("ended", args);
  },
});

/** Returns handles of functions of every type. */
export const handles = internalMutationGeneric({
  args: {},
  handler: async () => ({
    mutate: await createFunctionHandle(functions.mutate),
    read: await createFunctionHandle(functions.read),
    act: await createFunctionHandle(functions.act),
    child: await createFunctionHandle(workflows.child),
  }),
});

export const makeEvent = internalMutationGeneric({
  args: { workflowId: v.string(), name: v.string() },
  handler: async (ctx, args): Promise<string> =>
    await ctx.runMutation(components.workflow.event.create, args),
});
