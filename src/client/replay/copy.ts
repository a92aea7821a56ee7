/**
 * Copies a Convex value. The handler gets only copies, so it can change them without changing the journal or the
 * driver's copy of it.
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
