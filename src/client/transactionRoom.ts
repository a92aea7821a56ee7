import type { AppMutationCtx } from "./types.js";

/**
 * Whether the transaction has most of its limits left: so much that another function may use as
 * much as those before it did.
 */
export async function hasRoom(ctx: AppMutationCtx): Promise<boolean> {
  try {
    const metrics = await ctx.meta.getTransactionMetrics();
    return Object.values(metrics).every(
      ({ used, remaining }) => used <= remaining,
    );
  } catch {
    return true; // A backend that can't tell.
  }
}
