import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import {
  useEffect,
  useLayoutEffect,
  useReducer,
  useRef,
  useState,
  type RefObject,
} from "react";

/** Renders only the visible rows, some around them, and `kept`. All rows have the same height. */
export function useVirtualRows(rows: {
  count: number;
  height: number;
  scroller: RefObject<HTMLElement | null>;
  /** The index of the row that has the focus. */
  kept?: number;
}) {
  const { count, height, scroller, kept = -1 } = rows;
  const [, rerender] = useReducer((times: number) => times + 1, 0);
  const options: VirtualizerOptions<HTMLElement, Element> = {
    count,
    estimateSize: () => height,
    getScrollElement: () => scroller.current,
    overscan: 8,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => rerender(),
    rangeExtractor: (range) => {
      const indexes = defaultRangeExtractor(range);
      if (kept < 0 || kept >= count || indexes.includes(kept)) return indexes;
      return kept < range.startIndex ? [kept, ...indexes] : [...indexes, kept];
    },
  };
  const [virtualizer] = useState(() => new Virtualizer(options));
  virtualizer.setOptions(options);
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, height]);
  return virtualizer;
}

/**
 * Keeps visible rows in place when others appear above them. At the top, new rows become visible.
 */
export function useScrollAnchor<Item>(
  scroller: RefObject<HTMLElement | null>,
  items: readonly Item[],
  height: number,
  idOf: (item: Item) => string,
) {
  const [before] = useState<{ items: readonly Item[] }>({ items });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && before.items !== items && element.scrollTop > 0) {
      const index = Math.floor(element.scrollTop / height);
      const anchor = before.items[index];
      const now = anchor
        ? items.findIndex((item) => idOf(item) === idOf(anchor))
        : -1;
      if (now >= 0 && now !== index)
        element.scrollTop += (now - index) * height;
    }
    before.items = items;
  });
}

/**
 * Restores the list's last scroll position as soon as enough rows have loaded.
 *
 * @param place - The key in `scrolls`
 */
export function useScrollMemory(
  scroller: RefObject<HTMLElement | null>,
  scrolls: Map<string, number>,
  place: string,
  rowsPx: number,
  loadMore: (() => void) | undefined,
) {
  const wanted = useRef(scrolls.get(place) ?? 0);
  const shown = useRef(place);
  useLayoutEffect(() => {
    const element = scroller.current!;
    // Another list starts at its top.
    if (shown.current !== place) element.scrollTop = wanted.current = 0;
    shown.current = place;
    return () => void scrolls.set(place, wanted.current || element.scrollTop);
  }, [place]);
  useLayoutEffect(() => {
    const element = scroller.current!;
    if (wanted.current === 0) return;
    if (element.scrollTop > 0) {
      // The user has scrolled meanwhile.
      wanted.current = 0;
    } else if (rowsPx - element.clientHeight >= wanted.current) {
      element.scrollTop = wanted.current;
      wanted.current = 0;
    } else loadMore?.();
  });
}
