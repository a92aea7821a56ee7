/**
 * A copy of a Convex value. Whatever the handler gets is one, so that it may change what it gets:
 * the journal, in this turn or in the driver's copy, never sees it.
 */
export function copyOf<T>(value: T): T;
export function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof ArrayBuffer) return value.slice(0);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value))
    copy[key] = copyOf((value as Record<string, unknown>)[key]);
  return copy;
}
