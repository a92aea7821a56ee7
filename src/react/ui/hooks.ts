import { useEffect, useRef, useState, type RefObject } from "react";

/** Returns the current time. It updates every second while `isLive`. */
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

/** Returns the width of an element, or 0 until it is measured. */
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

/** Returns the value once it hasn't changed for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timeout = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timeout);
  }, [value, ms]);
  return settled;
}

/**
 * Handles keys that are pressed in the console, or while nothing on the page has the focus. It ignores typed text, the
 * browser's shortcuts, and keys in an open dialog.
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
