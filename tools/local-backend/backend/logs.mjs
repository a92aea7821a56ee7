// @ts-check

/** @import { Origin, Transaction } from "./frames.mjs" */
/** @import { FunctionPath, RunnableFunction } from "./functions.mjs" */
/** @import { Clock, LogLine } from "./types.mjs" */

const MAX_LINES = 256;
const MAX_LINE_LENGTH = 32_768;
const TRUNCATED = " (truncated due to maximum length)";

/**
 * Limits the lines of a top-level function, including nested functions. Further lines are lost.
 *
 * @template {unknown[]} Rest
 * @param {(level: string, message: string, ...rest: Rest) => void} print
 * @param {() => void} overflows
 * @returns {(level: string, message: string, ...rest: Rest) => void}
 */
export function atMost256Lines(print, overflows) {
  let lines = 0;
  return (level, message, ...rest) => {
    if (++lines > MAX_LINES + 1) return;
    if (lines <= MAX_LINES) return print(level, cut(message), ...rest);
    const overflow = `Log overflow (maximum ${MAX_LINES}). Remaining log lines omitted.`;
    print("error", overflow, ...rest);
    overflows();
  };
}

/** @param {string} message */
function cut(message) {
  return message.length <= MAX_LINE_LENGTH
    ? message
    : message.slice(0, MAX_LINE_LENGTH - TRUNCATED.length) + TRUNCATED;
}

/** Passes on the logs of functions. */
export class Logs {
  #clock;
  /** @type {Set<(line: LogLine) => void>} */
  #listeners = new Set();

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** @param {(line: LogLine) => void} listener */
  listen(listener) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Publishes the logs of a transaction that has ended. If it will be repeated,
   * its logs aren't published.
   *
   * @param {Transaction} transaction
   */
  publish({ origin, logs }) {
    for (const { level, target, message } of logs)
      this.print(origin, target, level, message);
  }

  /**
   * @param {Origin} origin
   * @param {RunnableFunction} target
   * @param {string} method of the console
   * @param {string} message
   */
  print(origin, target, method, message) {
    const level = method.toUpperCase();
    origin.logLines.push(`[${level}] ${message}`);
    this.#tell(origin, target, level, message);
  }

  /**
   * Logs that a top-level function failed.
   *
   * @param {Origin} origin
   * @param {FunctionPath} target
   * @param {string} message
   */
  failed(origin, target, message) {
    this.#tell(origin, target, "ERROR", message.trimEnd());
  }

  /**
   * @param {Origin} origin
   * @param {FunctionPath} target
   * @param {string} level
   * @param {string} message
   */
  #tell(origin, { componentPath, path }, level, message) {
    const line = {
      time: this.#clock.now(),
      level,
      componentPath,
      function: path,
      message,
      requestId: origin.requestId,
    };
    for (const listener of this.#listeners) listener(line);
  }
}
