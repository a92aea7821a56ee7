import { useEffect, useRef, type ReactNode, type RefObject } from "react";
import type { LivePages } from "../data/live.js";
import { useKeys } from "./hooks.js";
import { useVirtualRows } from "./virtual.js";

/** The position of a row. */
export type Placed = { index: number; start: number; height: number };

/**
 * The scrolling rows of a live list. The next page loads when few rows are left, and keys move the focus by rows.
 */
export function usePagedRows<Item>({
  pages: { items, loadMore },
  scroller,
  height,
  ahead,
  active,
  focusableOf,
  onMove,
}: {
  pages: Pick<LivePages<Item>, "items" | "loadMore">;
  scroller: RefObject<HTMLDivElement | null>;
  height: number;
  /** The next page loads when this many rows are left. */
  ahead: number;
  /** The index of the row that has the focus, or -1. */
  active: number;
  /** Returns a selector for the focusable element in an item's row. */
  focusableOf: (item: Item) => string;
  /** Gets the item to which the focus moves. */
  onMove: (item: Item) => void;
}) {
  const count = items.length;
  const rows = useVirtualRows({ count, height, scroller, kept: active });

  const isNearEnd = (rows.range?.endIndex ?? 0) >= count - 1 - ahead;
  useEffect(() => {
    if (isNearEnd) loadMore?.();
  }, [isNearEnd, loadMore]);

  // A row gets the focus as soon as it is rendered.
  const toFocus = useRef<string>(undefined);
  useEffect(() => {
    if (!toFocus.current) return;
    const found = scroller.current?.querySelector<HTMLElement>(toFocus.current);
    found?.focus({ preventScroll: true });
    if (found) toFocus.current = undefined;
  });

  useKeys((key) => {
    if (key !== "j" && key !== "k") return false;
    const by = key === "j" ? 1 : -1;
    const index = Math.min(Math.max(active + by, 0), count - 1);
    const next = items[index];
    if (next === undefined) return true;
    toFocus.current = focusableOf(next);
    rows.scrollToIndex(index, { align: "auto" });
    onMove(next);
    return true;
  });

  return { rows, height, scroller };
}

/** A table whose rows scroll below its header. It renders only those in view. */
export function PagedTable<Item>(props: {
  className: string;
  label: string;
  pages: LivePages<Item>;
  paged: ReturnType<typeof usePagedRows<Item>>;
  columns: ReactNode;
  row: (item: Item, at: Placed) => ReactNode;
  /** Content below the rows. */
  children?: ReactNode;
}) {
  const { className, label, pages, columns, row, children } = props;
  const { rows, height, scroller } = props.paged;
  const { items, isDone, isLoading } = pages;
  return (
    <div
      className={`wfc-table ${className}`}
      role="table"
      aria-label={label}
      aria-rowcount={isDone ? items.length + 1 : -1}
      aria-busy={isLoading}
    >
      <div className="wfc-thead" role="rowgroup">
        <div className="wfc-row" role="row" aria-rowindex={1}>
          {columns}
        </div>
      </div>
      <div className="wfc-scroller" ref={scroller} role="presentation">
        <div
          role="rowgroup"
          className="wfc-rows"
          style={{ height: rows.getTotalSize() }}
        >
          {rows
            .getVirtualItems()
            .map(({ index, start }) =>
              row(items[index]!, { index, start, height }),
            )}
        </div>
        {children}
      </div>
    </div>
  );
}

export function ColumnHeaders({ names }: { names: readonly string[] }) {
  return names.map((name) => (
    <span key={name} role="columnheader">
      {name}
    </span>
  ));
}
