import type {
  MutationMeta,
  TransactionLimits,
  TransactionMetrics,
} from "convex/server";
import { BYTES_PER_BATCH } from "./limits.js";
import { sizeOf } from "./storable.js";

/** The part of a transaction that a batch or a page may use, so that it never exceeds a limit. */
export class Budget {
  /** A unit is about as much work as to change a row, unless the caller counts something else. */
  constructor(
    private units: number,
    private bytes = BYTES_PER_BATCH,
  ) {}

  spend(units: number, ...documents: unknown[]) {
    this.units -= units;
    for (const document of documents) this.bytes -= sizeOf(document);
  }

  get isSpent() {
    return this.bytes <= 0 || this.units <= 0;
  }
}

interface Ctx {
  meta: Pick<MutationMeta, "getTransactionMetrics">;
}

/** The part of each limit that the rest of a transaction needs. */
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
 * Loading a function's modules reads one index range for each file that its transaction hasn't loaded yet. If that
 * exceeds the function's limit, the whole transaction fails, and nothing can catch that.
 */
export const FUNCTION_LOADING_RANGES = 64;

/** The limits of a nested function. */
interface NestedLimits {
  /** False if too little is left to call a function at all. */
  fits: boolean;
  /** Absent on a backend that doesn't report the remaining limits. */
  transactionLimits?: TransactionLimits;
}

/**
 * Returns the part of a transaction that a nested function may use. Even if it uses all of that, the reserve is left.
 * Loading its modules doesn't count against the index ranges that are `asked`.
 */
export async function limitsAfterReserving(
  ctx: Ctx,
  reserve: Reserve,
  asked: TransactionLimits = {},
): Promise<NestedLimits> {
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

/** Whether another function could use as much of every limit as all functions before it together. */
export async function isHalfUnused(ctx: Ctx): Promise<boolean> {
  return isHalfUnusedBy(await transactionMetrics(ctx));
}

export const isHalfUnusedBy = (metrics: TransactionMetrics | undefined) =>
  !metrics ||
  Object.values(metrics).every(({ used, remaining }) => used <= remaining);

/** Whether anything may have been written between two metrics of a transaction. */
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
 * Whether an error may report that a transaction reached a limit. A false positive costs one more execution in a
 * separate transaction.
 */
export function mayBeLimit(error: string): boolean {
  return /\btoo (many|much|large)\b/i.test(error);
}
