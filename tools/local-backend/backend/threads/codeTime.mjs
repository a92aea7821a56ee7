// @ts-check
// Imported, because the store replaces the global timers while a transaction runs.
import { clearTimeout, setTimeout } from "node:timers";

/** How long to wait before reading the CPU time again, which lags behind on a busy machine. */
const LOOK_AGAIN_MS = 50;

/**
 * Calls `act` when code elsewhere in this process has run for `ms`. Neither a machine that is
 * busy with something else nor other threads alone trigger it.
 *
 * @param {number} ms
 * @param {() => void} act
 * @returns {() => void} prevents it
 */
export function afterCodeTime(ms, act) {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const spent = () =>
    Math.min(performance.now() - startedAt, process.cpuUsage(cpu).user / 1000);
  /** @type {NodeJS.Timeout} */
  let timer;
  const wait = () => {
    const left = ms - spent();
    if (left <= 0) return act();
    timer = setTimeout(wait, Math.max(left, LOOK_AGAIN_MS));
  };
  wait();
  return () => clearTimeout(timer);
}
