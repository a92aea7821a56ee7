// @ts-check
/** The limits of values, which convex-test doesn't enforce. */
import { FunctionError } from "./errors.mjs";

/** @import { JSONValue } from "./types.mjs" */

export const MAX_CALL_DEPTH = 8;
const MAX_ARRAY_LENGTH = 8192;
const MAX_OBJECT_FIELDS = 1024;
const MAX_NESTING = 64;
const MAX_DOCUMENT_NESTING = 16;
const MAX_DOCUMENT_BYTES = 1 << 20;
const MAX_VALUE_BYTES = 16 << 20;

/**
 * Throws if arguments or a result exceed a limit.
 *
 * @param {string} what for example, "Arguments"
 * @param {string} json
 * @returns {JSONValue} the same value
 */
export function checkedValue(what, json) {
  // The JSON's length is close enough, because it only differs by a few escapes.
  if (json.length > MAX_VALUE_BYTES)
    throw tooLarge(what, json.length, MAX_VALUE_BYTES);
  const value = JSON.parse(json);
  checkShape(value, MAX_NESTING);
  return value;
}

/** @param {JSONValue} value of an insert, patch or replace */
export function checkDocument(value) {
  checkShape(value, MAX_DOCUMENT_NESTING);
}

/** @param {number} bytes */
export function checkDocumentSize(bytes) {
  if (bytes > MAX_DOCUMENT_BYTES)
    throw tooLarge("Value", bytes, MAX_DOCUMENT_BYTES);
}

/**
 * @param {JSONValue} value
 * @param {number} maximum
 */
function checkShape(value, maximum, depth = 0) {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    checkDepth(depth, maximum);
    if (value.length > MAX_ARRAY_LENGTH)
      throw new FunctionError(
        `Array length is too long (${value.length} > maximum length ${MAX_ARRAY_LENGTH})`,
      );
    for (const item of value) checkShape(item, maximum, depth + 1);
    return;
  }
  const names = Object.keys(value);
  // For example, a number that JSON doesn't have.
  if (names.length === 1 && names[0]?.startsWith("$")) return;
  checkDepth(depth, maximum);
  if (names.length > MAX_OBJECT_FIELDS)
    throw new FunctionError(
      `Object has too many fields (${names.length} > maximum number ${MAX_OBJECT_FIELDS})`,
    );
  for (const name of names)
    checkShape(/** @type {JSONValue} */ (value[name]), maximum, depth + 1);
}

/**
 * @param {number} depth
 * @param {number} maximum
 */
function checkDepth(depth, maximum) {
  if (depth >= maximum)
    throw new FunctionError(
      `Value is too nested (nesting ${depth + 1} > maximum nesting ${maximum})`,
    );
}

/**
 * @param {string} what
 * @param {number} bytes
 * @param {number} maximum
 */
function tooLarge(what, bytes, maximum) {
  const mebibytes = (/** @type {number} */ size) =>
    `${Math.round((size / 2 ** 20) * 100) / 100} MiB`;
  return new FunctionError(
    `${what} is too large (${mebibytes(bytes)} > maximum size ${mebibytes(maximum)})`,
  );
}
