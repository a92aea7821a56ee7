// @ts-check
import * as errors from "../errors.mjs";

/** @import { ThrownError } from "./messages.mjs" */

/**
 * Converts an error of the engine, so that it can cross to another thread.
 *
 * @param {unknown} error
 * @returns {ThrownError}
 */
export function describeError(error) {
  const name = error instanceof Error ? error.constructor.name : "";
  const data = errors.dataOf(error);
  return {
    name,
    message: errors.messageOf(error),
    ...(data !== undefined && { data }),
  };
}

/**
 * @param {ThrownError} thrown
 * @returns {Error}
 */
export function restoredError({ name, message, data }) {
  const Class = /** @type {Record<string, any>} */ (errors)[name] ?? Error;
  return new Class(message, data);
}
