import { describe, expect, test } from "vitest";
import { FIRST_PAGE, requestsOf, withNext, withSplits } from "./pages.js";

/** Reads a list of numbers in pages, as the server does. A cursor is the last number of its page. */
function read(
  list: number[],
  request: ReturnType<typeof requestsOf>[number],
  maxItems = Infinity,
) {
  const { numItems, cursor, endCursor } = request;
  const after = list.filter((n) => cursor === null || n > Number(cursor));
  const within =
    endCursor === undefined
      ? after.slice(0, numItems)
      : after.filter((n) => n <= Number(endCursor));
  const page = within.slice(0, maxItems);
  const cut = page.length < within.length;
  const last = page.at(-1) ?? Number(cursor ?? 0);
  return {
    page,
    isDone: !cut && endCursor === undefined && last === (list.at(-1) ?? last),
    continueCursor: cut || endCursor === undefined ? String(last) : endCursor,
    splitCursor: String(page[Math.floor(page.length / 2) - 1] ?? last),
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

function pagesOf(
  list: number[],
  cursors: typeof FIRST_PAGE,
  numItems: number,
  maxItems?: number,
) {
  return requestsOf(cursors, numItems).map((request) =>
    read(list, request, maxItems),
  );
}

test("the last page is open, and every other ends where the next begins", () => {
  expect(requestsOf([null, "a", "b"], 50)).toEqual([
    { numItems: 50, cursor: null, endCursor: "a" },
    { numItems: 50, cursor: "a", endCursor: "b" },
    { numItems: 50, cursor: "b" },
  ]);
});

describe("withNext", () => {
  test("reads a list to its end and returns each item once", () => {
    const list = upTo(23);
    let cursors = FIRST_PAGE;
    for (let round = 0; round < 10; round++)
      cursors = withNext(cursors, pagesOf(list, cursors, 5).at(-1)!);
    expect(cursors).toEqual([null, "5", "10", "15", "20"]);
    const all = pagesOf(list, cursors, 5).flatMap(({ page }) => page);
    expect(all).toEqual(list);
  });

  test("adds only one page if it is called twice for the same page", () => {
    const last = { page: [], isDone: false, continueCursor: "a" };
    const once = withNext(FIRST_PAGE, last);
    expect(withNext(once, last)).toBe(once);
  });
});

describe("withSplits", () => {
  test("doesn't change pages that haven't grown", () => {
    const cursors = [null, "5", "10"];
    const pages = pagesOf(upTo(12), cursors, 5);
    expect(withSplits(cursors, pages, 5)).toBe(cursors);
    expect(withSplits(cursors, [undefined, undefined], 5)).toBe(cursors);
  });

  test("splits a page that has grown without losing items", () => {
    const list = upTo(30);
    const cursors = withSplits([null, "25"], pagesOf(list, [null, "25"], 5), 5);
    expect(cursors).toEqual([null, "12", "25"]);
    const all = pagesOf(list, cursors, 5).flatMap(({ page }) => page);
    expect(all).toEqual(list);
  });

  test("continues a page that the server cut short", () => {
    const list = upTo(12);
    let cursors: typeof FIRST_PAGE = [null, "10"];
    for (let round = 0; round < 5; round++)
      cursors = withSplits(cursors, pagesOf(list, cursors, 10, 4), 10);
    const all = pagesOf(list, cursors, 10, 4).flatMap(({ page }) => page);
    expect(all).toEqual(list);
  });
});
