/**
 * Copies a Convex value. The handler gets only copies, so it can change them without changing the journal or the
 * driver's copy of it.
 */
export function copyOf<T>(value: T): T;
export function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) return value.map(copyOf);
  if (value instanceof Bytes) return value.slice(0);
  const copy = { ...value } as Record<string, unknown>;
  for (const key in copy) {
    const field = copy[key];
    if (typeof field === "object") copy[key] = copyOf(field);
  }
  return copy;
}

const { isArray } = Array;
const Bytes = ArrayBuffer;
