import type { PaginationOptions, PaginationResult } from "convex/server";
import { v, type Validator } from "convex/values";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { sizeOf } from "../../shared/storable.js";

export function vPaginated<T extends Validator<unknown, "required", string>>(
  item: T,
) {
  return v.object({
    page: v.array(item),
    isDone: v.boolean(),
    continueCursor: v.string(),
    splitCursor: v.optional(v.union(v.string(), v.null())),
    pageStatus: v.optional(
      v.union(
        v.literal("SplitRecommended"),
        v.literal("SplitRequired"),
        v.null(),
      ),
    ),
  });
}

export const vOrder = v.optional(v.union(v.literal("asc"), v.literal("desc")));

/** What one page may hold: an array has at most 8,192 elements. */
const MAX_PAGE_ROWS = 4096;

/** A page that would take too much of a transaction is shorter than asked for. */
const withinLimits = (
  asked: PaginationOptions,
  maxRows = MAX_PAGE_ROWS,
): PaginationOptions => ({
  ...asked,
  maximumRowsRead: Math.min(asked.maximumRowsRead ?? Infinity, maxRows),
  maximumBytesRead: Math.min(
    asked.maximumBytesRead ?? Infinity,
    BYTES_PER_BATCH,
  ),
});

/** What the items of a page may read beside their rows. */
export class PageBudget {
  private bytes = BYTES_PER_BATCH / 2;
  private ranges = 1024;

  spend(ranges: number, ...documents: unknown[]) {
    this.ranges -= ranges;
    for (const document of documents) this.bytes -= sizeOf(document);
  }

  get isSpent() {
    return this.bytes <= 0 || this.ranges <= 0;
  }
}

interface Pages<Row> {
  paginate(options: PaginationOptions): Promise<PaginationResult<Row>>;
}

/** A page of what `toItem` makes of each row: shorter than asked for once the budget that it spends from is spent. */
export async function pageOf<Row, Item>(
  rows: Pages<Row>,
  asked: PaginationOptions,
  toItem: (row: Row, budget: PageBudget) => Item | Promise<Item>,
): Promise<PaginationResult<Item>> {
  const whole = await rows.paginate(withinLimits(asked));
  const budget = new PageBudget();
  const page: Item[] = [];
  for (const row of whole.page) {
    if (budget.isSpent) break;
    page.push(await toItem(row, budget));
  }
  if (page.length === whole.page.length) return { ...whole, page };
  const numItems = page.length;
  const shorter = await rows.paginate(
    withinLimits({ ...asked, numItems }, numItems),
  );
  return { ...shorter, page };
}
