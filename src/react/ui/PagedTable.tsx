import {
  useEffect,
  useRef,
  type ComponentProps,
  type ReactNode,
  type RefObject,
} from "react";
import type { LivePages } from "../data/live.js";
import { useKeys } from "./hooks.js";
import { useVirtualRows } from "./virtual.js";

/** A column of a table: its header and its cells. */
export type Column<Item> = {
  header: ReactNode;
  /** Names the header if it isn't a text. */
  label?: string;
  className?: string;
  cell: (item: Item) => ReactNode;
};

/**
 * The scrolling rows of a live list. The next page loads when few rows are left, and keys move the focus by rows.
 */
export function usePagedRows<Item>({
  pages: { items, loadMore },
  scroller,
  height,
  ahead,
  active,
  onMove,
}: {
  pages: Pick<LivePages<Item>, "items" | "loadMore">;
  scroller: RefObject<HTMLDivElement | null>;
  height: number;
  /** The next page loads when this many rows are left. */
  ahead: number;
  /** The index of the row that has the focus, or -1. */
  active: number;
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
  const toFocus = useRef<number>(undefined);
  useEffect(() => {
    if (toFocus.current === undefined) return;
    const found = scroller.current?.querySelector<HTMLElement>(
      `[aria-rowindex="${toFocus.current + 2}"] .wfc-row-link`,
    );
    found?.focus({ preventScroll: true });
    if (found) toFocus.current = undefined;
  });

  useKeys((key) => {
    if (key !== "j" && key !== "k") return false;
    const by = key === "j" ? 1 : -1;
    const index = Math.min(Math.max(active + by, 0), count - 1);
    const next = items[index];
    if (next === undefined) return true;
    toFocus.current = index;
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
  columns: readonly Column<Item>[];
  rowOf: (item: Item) => ComponentProps<"div"> & { key: React.Key };
  /** Content below the rows. */
  children?: ReactNode;
}) {
  const { className, label, pages, columns, rowOf, children } = props;
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
          {columns.map(({ header, label }, at) => (
            <span key={at} role="columnheader" aria-label={label}>
              {header}
            </span>
          ))}
        </div>
      </div>
      <div className="wfc-scroller" ref={scroller} role="presentation">
        <div
          role="rowgroup"
          className="wfc-rows"
          style={{ height: rows.getTotalSize() }}
        >
          {rows.getVirtualItems().map(({ index, start }) => {
            const item = items[index]!;
            const { key, ...row } = rowOf(item);
            return (
              <div
                key={key}
                className="wfc-row"
                role="row"
                aria-rowindex={index + 2}
                style={{ height, transform: `translateY(${start}px)` }}
                {...row}
              >
                {columns.map(({ className, cell }, at) => (
                  <span key={at} role="cell" className={className}>
                    {cell(item)}
                  </span>
                ))}
              </div>
            );
          })}
        </div>
        {children}
      </div>
    </div>
  );
}
