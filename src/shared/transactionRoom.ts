import type {
  MutationMeta,
  TransactionLimits,
  TransactionMetrics,
} from "convex/server";

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
 * Loading a function's modules reads one index range for each file that its transaction hasn't loaded yet. Where
 * that exceeds the function's limit the whole transaction dies, uncatchably.
 */
export const FUNCTION_LOADING_RANGES = 64;

/** What a nested function may use of its transaction. */
export interface Room {
  /** False when too little is left to call a function at all. */
  fits: boolean;
  /** Absent on a backend that can't tell what is left. */
  transactionLimits?: TransactionLimits;
}

/**
 * The part of a transaction that a nested function may use, so that what is reserved is left even if
 * it uses all of that. Loading its modules doesn't count against the index ranges that are `asked`.
 */
export async function roomBeside(
  ctx: Ctx,
  reserve: Reserve,
  asked: TransactionLimits = {},
): Promise<Room> {
  const metrics = await transactionMetrics(ctx);
  if (!metrics) return { fits: true };
  const transactionLimits = { ...asked };
  for (const key of Object.keys(reserve) as (keyof Reserve)[]) {
    const left = Math.max(0, metrics[key].remaining - reserve[key]);
    const extra = key === "databaseQueries" ? FUNCTION_LOADING_RANGES : 0;
    const limit = asked[key] === undefined ? left : asked[key] + extra;
    transactionLimits[key] = Math.min(left, limit);
  }
  const fits = transactionLimits.databaseQueries! >= FUNCTION_LOADING_RANGES;
  return { fits, transactionLimits };
}

/** Whether so much is left of every limit that a function may use what those before it did together. */
export async function isHalfUnused(ctx: Ctx): Promise<boolean> {
  return isHalfUnusedBy(await transactionMetrics(ctx));
}

export const isHalfUnusedBy = (metrics: TransactionMetrics | undefined) =>
  !metrics ||
  Object.values(metrics).every(({ used, remaining }) => used <= remaining);

/** Whether anything may have been written between two looks at a transaction. */
export function mayHaveWritten(
  before: TransactionMetrics | undefined,
  after: TransactionMetrics | undefined,
): boolean {
  if (!before || !after) return true;
  return (["documentsWritten", "bytesWritten"] as const).some(
    (key) => before[key].used !== after[key].used,
  );
}

export async function transactionMetrics(
  ctx: Ctx,
): Promise<TransactionMetrics | undefined> {
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
