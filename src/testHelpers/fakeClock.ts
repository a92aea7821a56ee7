/** The clock of @sinonjs/fake-timers, which `vi.useFakeTimers` installs. */
export interface FakeClock {
  /** The clock's time. */
  now: number;
  next(): number;
  countTimers(): number;
  setTimeout: (
    callback: () => void,
    ms?: number,
    ...args: unknown[]
  ) => unknown;
  clearTimeout: (id: unknown) => void;
}

/** Vitest's `vi` can't tell whether this very `setTimeout` is fake. */
export const fakeClock = () =>
  (globalThis.setTimeout as unknown as { clock?: FakeClock }).clock;
