/**
 * Starts to count milliseconds of real time, because `Date` stands still within a transaction. The count stays 0 on
 * a backend whose `performance` doesn't run in mutations.
 */
export function startClock(): () => number {
  const startedAt = now();
  return () => now() - startedAt;
}

const now = (): number =>
  (globalThis as { performance?: { now?(): number } }).performance?.now?.() ??
  0;
