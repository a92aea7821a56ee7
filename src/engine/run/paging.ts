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

/**
 * Returns pages of the rows that have these values in the first fields of an index. Refuses a cursor of another list:
 * it would select nothing, or rows of that list with convex-helpers 0.1.122.
 *
 * @param further - The number of the index's other fields, with those that Convex adds to it.
 */
export const pagesWithin = <Row>(
  rows: Pages<Row>,
  values: unknown[],
  further: number,
): Pages<Row> => ({
  async paginate(options) {
    for (const cursor of [options.cursor, options.endCursor])
      if (typeof cursor === "string" && !isWithin(cursor, values, further))
        throw invalidCursor(cursor);
    return await rows.paginate(options);
  },
});

/** Whether a cursor, which is JSON of an index key, belongs to a list of rows with these values. */
function isWithin(cursor: string, values: unknown[], further: number) {
  const key = keyIn(cursor);
  // Every list ends with it.
  if (cursor === "[]") return true;
  return (
    key.length === values.length + further &&
    values.every((value, at) => key[at] === inCursor(value)) &&
    key.slice(values.length).every((value) => typeof value !== "object")
  );
}

function keyIn(cursor: string): unknown[] {
  try {
    const key: unknown = JSON.parse(cursor);
    return Array.isArray(key) ? key : [];
  } catch {
    return [];
  }
}

/** convex-helpers writes an absent field as a text, and marks texts that could be mistaken for it. */
function inCursor(value: unknown) {
  if (value === undefined) return "undefined";
  return typeof value === "string" && value.endsWith("undefined")
    ? `_${value}`
    : value;
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
  const whole = await rows.paginate(withinLimits(asked));
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
