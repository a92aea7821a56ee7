// @ts-check
// The store replaces the global timers where a transaction runs.
import { clearTimeout, setTimeout } from "node:timers";

/** On a busy machine the processor's time lags behind; it is read again after this. */
const LOOK_AGAIN_MS = 50;

/**
 * Acts when code elsewhere in this process has run for a time. Neither a machine that
 * is busy with something else nor other threads alone make it act.
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
