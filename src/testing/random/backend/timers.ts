import type { Random } from "../random.js";

/**
 * Has timers go off somewhat late, as chance has it: functions scheduled for one moment run in any
 * order. For fake timers, whose end takes this away too.
 */
export function delayTimers(random: Random) {
  const exact = globalThis.setTimeout;
  const late = (callback: () => void, ms = 0) =>
    exact(callback, ms + random.pick([0, 0, 1, 7, 30]));
  globalThis.setTimeout = late as unknown as typeof setTimeout;
}
