// @ts-check
/** @import { FunctionPath } from "./functions.mjs" */

/**
 * A scheduled function. Its state is in a row of the component that scheduled it.
 *
 * @typedef {object} Job
 * @property {string} id of the row
 * @property {string} componentPath of the component with the row
 * @property {FunctionPath} target
 * @property {string} argsJson
 * @property {number} argsBytes
 * @property {number} at
 * @property {boolean} isBornCanceled
 */

export const JOBS_TABLE = "_scheduled_functions";

/**
 * Ids are only unique within a component.
 *
 * @param {string} componentPath
 * @param {string} id
 */
export function jobKey(componentPath, id) {
  return `${componentPath}:${id}`;
}
