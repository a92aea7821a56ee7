import type { MutationMeta, TransactionLimits } from "convex/server";

interface Ctx {
  meta: Pick<MutationMeta, "getTransactionMetrics">;
}

/** What the rest of a transaction needs, of each limit. */
export type Reserve = Required<
  Pick<
    TransactionLimits,
    | "bytesRead"
    | "bytesWritten"
    | "databaseQueries"
    | "documentsRead"
    | "documentsWritten"
    | "functionsScheduled"
    | "scheduledFunctionArgsBytes"
  >
>;

/**
 * The part of a transaction that a nested function may use, so that what is reserved is left even if
 * it uses all of that. Undefined on a backend that can't tell what is left.
 */
export async function roomBeside(
  ctx: Ctx,
  reserve: Reserve,
  asked: TransactionLimits = {},
): Promise<TransactionLimits | undefined> {
  const metrics = await metricsOf(ctx);
  if (!metrics) return undefined;
  const limits = { ...asked };
  for (const key of Object.keys(reserve) as (keyof Reserve)[]) {
    const left = Math.max(0, metrics[key].remaining - reserve[key]);
    limits[key] = Math.min(left, asked[key] ?? Infinity);
  }
  return limits;
}

/** Whether so much is left of every limit that a function may use what those before it did together. */
export async function isHalfUnused(ctx: Ctx): Promise<boolean> {
  const metrics = await metricsOf(ctx);
  return (
    !metrics ||
    Object.values(metrics).every(({ used, remaining }) => used <= remaining)
  );
}

async function metricsOf(ctx: Ctx) {
  try {
    return await ctx.meta.getTransactionMetrics();
  } catch {
    return undefined;
  }
}

/**
 * Whether an error may say that a transaction's limits were reached. Being wrong costs one more
 * execution in a transaction of its own.
 */
export function mayBeLimit(error: string): boolean {
  return /\btoo (many|much|large)\b/i.test(error);
}
