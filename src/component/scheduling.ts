import type { Id } from "./_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "./_generated/server.js";

/** One that has begun is left alone: it finds out for itself that it is not wanted any more. */
export async function cancelScheduled(ctx: MutationCtx, scheduledId: string) {
  const id = scheduledId as Id<"_scheduled_functions">;
  const job = await ctx.db.system.get("_scheduled_functions", id);
  if (job?.state.kind === "pending") await ctx.scheduler.cancel(id);
}

/** Pending: it has not begun. Finished: it has ended, or nothing is known of it. */
export async function scheduledState(ctx: QueryCtx, scheduledId: string) {
  const id = scheduledId as Id<"_scheduled_functions">;
  const job = await ctx.db.system.get("_scheduled_functions", id);
  switch (job?.state.kind) {
    case "pending":
      return "pending";
    case "inProgress":
      return "running";
    default:
      return "finished";
  }
}

/** What became of a scheduled function: undefined while it may still run, or null when nothing is known of it. */
export async function scheduledEnd(
  ctx: MutationCtx,
  scheduledId: string,
): Promise<{ error?: string } | null | undefined> {
  const job = await ctx.db.system.get(
    "_scheduled_functions",
    scheduledId as Id<"_scheduled_functions">,
  );
  if (!job) return null;
  const { state } = job;
  if (state.kind === "pending" || state.kind === "inProgress") return undefined;
  return { error: state.kind === "failed" ? state.error : undefined };
}
