import { useQueries } from "convex/react";
import {
  getFunctionName,
  type FunctionReference,
  type PaginationOptions,
  type PaginationResult,
} from "convex/server";
import { convexToJson, type Value } from "convex/values";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { FIRST_PAGE, requestsOf, withNext, withSplits } from "./pages.js";

type Query<Args extends Record<string, any>, Result> = FunctionReference<
  "query",
  "public",
  Args,
  Result
>;

/**
 * A live query. It is loading while it has neither a value nor an error. An error doesn't end it, because access may be
 * granted, or the run may appear, while the page is open.
 */
type Live<T> = { value?: T; error?: Error };

export function useLive<Args extends Record<string, any>, Result>(
  query: Query<Args, Result>,
  args: Args,
  /** If the query changes but this key doesn't, the old value stays until the new one has loaded. */
  kept?: string,
): Live<Result> {
  const key = keyOf(query, args);
  const queries = useMemo(
    () => ({ one: { query, args: definedOf(args) } }),
    // The key stands for the reference and the arguments, which are new objects in every render.
    [key],
  );
  const before = useRef<{ kept: string; result: Result | Error }>(undefined);
  let result = useQueries(queries).one as Result | Error | undefined;
  if (kept !== undefined)
    if (result !== undefined) before.current = { kept, result };
    else if (before.current?.kept === kept) result = before.current.result;
  return result instanceof Error ? { error: result } : { value: result };
}

export type LivePages<Item> = {
  items: readonly Item[];
  /** True while a page loads and there are no items to show. */
  isLoading: boolean;
  error?: Error;
  /** Absent while a page is loading and after the last page. */
  loadMore?: () => void;
  isDone: boolean;
  pageCount: number;
};

/** Subscribes to the pages of a live list. */
export function useLivePages<
  Args extends Record<string, any> & { paginationOpts: PaginationOptions },
  Item,
>(
  query: Query<Args, PaginationResult<Item>>,
  args: Omit<Args, "paginationOpts">,
  numItems: number,
): LivePages<Item> {
  const key = keyOf(query, args);
  const [state, setState] = useState({ key, cursors: FIRST_PAGE });
  const cursors = state.key === key ? state.cursors : FIRST_PAGE;

  const queries = useMemo(
    () =>
      Object.fromEntries(
        requestsOf(cursors, numItems).map((paginationOpts, index) => [
          String(index),
          { query, args: { ...definedOf(args), paginationOpts } },
        ]),
      ),
    [key, cursors, numItems],
  );
  const results = useQueries(queries) as Record<
    string,
    PaginationResult<Item> | Error | undefined
  >;
  const found = cursors.map((_, index) => results[index]);
  const error = found.find((each) => each instanceof Error);
  const pages = found.map((each) => (each instanceof Error ? undefined : each));
  const loaded = pages.filter((page) => page !== undefined);
  const isComplete = loaded.length === pages.length;

  const next = withSplits(cursors, pages, numItems);
  useEffect(() => {
    if (next !== cursors) setState({ key, cursors: next });
  });

  // While a page loads, the old items stay. A page that changes is a new object.
  const shown = useRef({
    key,
    pages: [] as typeof loaded,
    items: [] as Item[],
  });
  const before = shown.current.key === key ? shown.current.pages : [];
  const current = isComplete ? loaded : before;
  const isSame =
    shown.current.key === key &&
    current.length === before.length &&
    current.every((page, index) => page === before[index]);
  if (!isSame) {
    const items = current.flatMap(({ page }) => page);
    shown.current = { key, pages: current, items };
  }
  const { items } = shown.current;

  const last = pages.at(-1);
  const loadMore = useCallback(
    () => last && setState({ key, cursors: withNext(cursors, last) }),
    [key, cursors, last],
  );
  const isDone = isComplete && last!.isDone;
  return {
    items: error ? [] : items,
    isLoading: !error && !isComplete && items.length === 0,
    error,
    loadMore: isComplete && !isDone ? loadMore : undefined,
    isDone,
    pageCount: cursors.length,
  };
}

function definedOf(args: object): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(args).filter(([, value]) => value !== undefined),
  );
}

const keyOf = (query: FunctionReference<"query">, args: object) =>
  getFunctionName(query) + JSON.stringify(convexToJson(definedOf(args)));
