import { afterEach, beforeEach, vi } from "vitest";
import type { Random } from "../random.js";

let lateness: Random | undefined;

/**
 * Has timers go off somewhat late, as chance has it: functions scheduled for one moment run in any
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

/** Begins anew: nothing of what was scheduled before is left. */
export function restartTimers(random: Random) {
  vi.clearAllTimers();
  vi.setSystemTime(1_700_000_000_000);
  lateness = random;
}
