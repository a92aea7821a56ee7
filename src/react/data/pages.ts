/**
 * The cursors of a live list's subscribed pages. Page `i` begins at `cursors[i]`. Every page but the last ends where the
 * next begins, so no item is duplicated or missed when items appear or disappear.
 */
export type Cursors = readonly (string | null)[];

export const FIRST_PAGE: Cursors = [null];

type Page = {
  page: readonly unknown[];
  isDone: boolean;
  continueCursor: string;
  splitCursor?: string | null;
};

export type PageRequest = {
  numItems: number;
  cursor: string | null;
  endCursor?: string;
};

export function requestsOf(cursors: Cursors, numItems: number): PageRequest[] {
  return cursors.map((cursor, index) => {
    const endCursor = cursors[index + 1];
    return typeof endCursor === "string"
      ? { numItems, cursor, endCursor }
      : { numItems, cursor };
  });
}

/** Returns the cursors with the next page added, if there is one. */
export function withNext(cursors: Cursors, last: Page): Cursors {
  return last.isDone || cursors.includes(last.continueCursor)
    ? cursors
    : [...cursors, last.continueCursor];
}

/**
 * Returns the cursors after a page changed. A page that became twice as long is split. If the server cut a page short,
 * another page follows it.
 */
export function withSplits(
  cursors: Cursors,
  pages: readonly (Page | undefined)[],
  numItems: number,
): Cursors {
  const result = cursors.flatMap((cursor, index) => {
    const page = pages[index];
    const end = cursors[index + 1];
    if (!page || end === undefined) return [cursor];
    const between =
      page.continueCursor !== end && !page.isDone
        ? page.continueCursor
        : page.page.length > 2 * numItems
          ? page.splitCursor
          : undefined;
    return between && !cursors.includes(between) ? [cursor, between] : [cursor];
  });
  return result.length === cursors.length ? cursors : result;
}
