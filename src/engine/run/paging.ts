import {
  paginationOptsValidator,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import { v, type ObjectType, type Validator } from "convex/values";
import { invalidArgument } from "../../shared/errors.js";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { abbreviate } from "../../shared/storable.js";
import { Budget } from "../../shared/transactionBudget.js";

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

/** The arguments with which a caller asks for a page of a list. */
export const pageFields = {
  order: v.optional(v.union(v.literal("asc"), v.literal("desc"))),
  paginationOpts: paginationOptsValidator,
};
export type PageArgs = ObjectType<typeof pageFields>;

/** Returns a list as its only page. */
export const onlyPage = <Item>(page: Item[]) => ({
  page,
  isDone: true,
  continueCursor: "",
});

/** The limit of one page. An array has at most 8,192 elements. */
const MAX_PAGE_ROWS = 4096;

/** The limits of a page. If it would use more of a transaction, it is shorter. */
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

/** The budget that a page's items may read in addition to their rows, in index ranges. */
export const pageBudget = () => new Budget(1024, BYTES_PER_BATCH / 2);

interface Pages<Row> {
  paginate(options: PaginationOptions): Promise<PaginationResult<Row>>;
}

export function invalidCursor(cursor: string) {
  return invalidArgument(
    `Invalid cursor: ${abbreviate(cursor)}. Expected the cursor that the last call returned.`,
  );
}

/** Returns pages of selected rows. With another list's cursor, convex-helpers 0.1.122 reads rows of that list. */
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

/**
 * Returns a page of rows, each converted by `toItem`, without those for which it returns nothing. The page ends early
 * when the budget is used up.
 */
export async function pageOf<Row, Item>(
  rows: Pages<Row>,
  asked: PaginationOptions,
  toItem: (
    row: Row,
    budget: Budget,
  ) => Item | undefined | Promise<Item | undefined>,
): Promise<PaginationResult<Item>> {
  const whole = await readPage(rows, asked);
  const budget = pageBudget();
  const page: Item[] = [];
  let numItems = 0;
  for (const row of whole.page) {
    if (budget.isSpent) break;
    numItems++;
    const item = await toItem(row, budget);
    if (item !== undefined) page.push(item);
  }
  if (numItems === whole.page.length) return { ...whole, page };
  const shorter = await rows.paginate(
    withinLimits({ ...asked, numItems }, numItems),
  );
  return { ...shorter, page };
}
