import { useEffect, useRef, useState, type RefObject } from "react";
import { useConsole } from "../context.js";

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

/**
 * Handles keys that are pressed in the console, or while nothing on the page has the focus. It ignores typed text, the
 * browser's shortcuts, and keys in an open dialog.
 */
export function useKeys(onKey: (key: string) => boolean) {
  const { rootRef: root } = useConsole();
  const latest = useLatest(onKey);
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

/** Returns a reference to the latest value, for listeners that are added once. */
export function useLatest<T>(value: T): RefObject<T> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

function isTypedIn(element: HTMLElement) {
  if (element.isContentEditable) return true;
  if (element instanceof HTMLInputElement) return element.type !== "checkbox";
  return (
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  );
}
