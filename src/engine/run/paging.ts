import type { PaginationOptions, PaginationResult } from "convex/server";
import { v, type Validator } from "convex/values";
import { codedError } from "../../shared/errors.js";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { abbreviate, sizeOf } from "../../shared/storable.js";

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

/** The limit of one page. An array has at most 8,192 elements. */
const MAX_PAGE_ROWS = 4096;

/** The budget of a page. If it would use more of a transaction, it is shorter. */
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

/** The budget that a page's items may read in addition to their rows. */
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

export function invalidCursor(cursor: string) {
  return codedError(
    "INVALID_ARGUMENT",
    `Invalid cursor: ${abbreviate(cursor)}. Expected the cursor that the last call returned.`,
  );
}

/** Pages of selected rows. With the cursor of another list, convex-helpers 0.1.122 reads rows of that list. */
export const selectedPages = <Row>(
  rows: Pages<Row>,
  isSelected: (row: Row) => boolean,
): Pages<Row> => ({
  async paginate(options) {
    const result = await rows.paginate(options);
    if (!result.page.every(isSelected))
      throw invalidCursor(String(options.cursor ?? options.endCursor));
    return result;
  },
});

async function readPage<Row>(rows: Pages<Row>, asked: PaginationOptions) {
  try {
    return await rows.paginate(withinLimits(asked));
  } catch (error) {
    // Cursors are JSON of an index key. Reading rows throws neither.
    if (!(error instanceof SyntaxError || error instanceof TypeError))
      throw error;
    throw invalidCursor(String(asked.cursor));
  }
}

/** A page of rows, each converted by `toItem`. It ends early when the budget is used up. */
export async function pageOf<Row, Item>(
  rows: Pages<Row>,
  asked: PaginationOptions,
  toItem: (row: Row, budget: PageBudget) => Item | Promise<Item>,
): Promise<PaginationResult<Item>> {
  const whole = await readPage(rows, asked);
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
