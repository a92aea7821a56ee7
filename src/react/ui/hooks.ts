import { useEffect, useRef, useState, type RefObject } from "react";

/** The time, once a second while something on the page depends on it. */
export function useNow(isLive: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!isLive) return;
    const interval = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(interval);
  }, [isLive]);
  return now;
}

/** The width of an element, 0 until it is measured. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round(entry!.contentRect.width)),
    );
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** The value, `ms` after it last changed. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timeout = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timeout);
  }, [value, ms]);
  return settled;
}

/**
 * Handles keys that are pressed in the console, or while nothing on the page has the focus. Keys that one types or
 * that belong to the browser are left alone, and so are those of an open dialog.
 */
export function useKeys(
  root: RefObject<HTMLElement | null>,
  onKey: (key: string) => boolean | void,
) {
  const latest = useRef(onKey);
  useEffect(() => {
    latest.current = onKey;
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey) return;
      if (event.altKey) return;
      const target = event.target as HTMLElement;
      const isInside = root.current?.contains(target) ?? false;
      if (!isInside && target !== document.body) return;
      if (root.current?.querySelector("dialog[open]")) return;
      if (isTypedIn(target)) {
        if (event.key === "Escape") target.blur();
        return;
      }
      if (latest.current(event.key)) event.preventDefault();
    };
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, [root]);
}

function isTypedIn(element: HTMLElement) {
  if (element.isContentEditable) return true;
  if (element instanceof HTMLInputElement) return element.type !== "checkbox";
  return (
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  );
}
