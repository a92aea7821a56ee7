import { afterEach, beforeEach, vi } from "vitest";
import type { Random } from "../random.js";

let lateness: Random | undefined;

/**
 * Makes timers fire late at random, so that functions scheduled for the same moment run in any
 * order. Needs fake timers.
 */
export function useLateTimers() {
  beforeEach(() => {
    const exact = globalThis.setTimeout;
    const late = (callback: () => void, ms = 0) =>
      exact(callback, ms + (lateness?.pick([0, 0, 1, 7, 30]) ?? 0));
    globalThis.setTimeout = late as unknown as typeof setTimeout;
  });
  afterEach(() => (lateness = undefined));
}

/** Starts over and drops everything that was scheduled before. */
export function restartTimers(random: Random) {
  vi.clearAllTimers();
  vi.setSystemTime(1_700_000_000_000);
  lateness = random;
}
