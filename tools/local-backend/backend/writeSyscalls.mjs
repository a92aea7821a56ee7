// @ts-check
/** Writes of documents, which must not be too large. */
import { getConvexSize, jsonToConvex } from "convex/values";
import { checkDocument, checkDocumentSize } from "./limits.mjs";

/** @import { Frame } from "./frames.mjs" */
/** @import { Handler } from "./transactionSyscalls.mjs" */

/** A value with less JSON is small enough, because each character stands for at most 9 bytes. */
const SMALL_JSON = 100_000;

/**
 * @param {"1.0/insert" | "1.0/replace"} name
 * @returns {Handler}
 */
export function insertOrReplace(name) {
  return (frame, { value }, argsJson) => {
    checkDocument(value);
    if (argsJson.length > SMALL_JSON)
      checkDocumentSize(getConvexSize(jsonToConvex(value)));
    return frame.store.pass(name, argsJson);
  };
}

/**
 * The size of a patched document is only known after the write. So a transaction that catches the
 * error must still fail.
 *
 * @param {Frame} frame
 * @param {{ value: any }} args
 * @param {string} argsJson
 */
export async function patch(frame, { value }, argsJson) {
  checkDocument(value);
  const before = frame.store.usage.bytesWritten();
  const result = await frame.store.pass("1.0/shallowMerge", argsJson);
  try {
    checkDocumentSize(frame.store.usage.bytesWritten() - before);
  } catch (error) {
    frame.spoiled ??= /** @type {Error} */ (error);
    throw error;
  }
  return result;
}
