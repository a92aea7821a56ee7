// @ts-check
/** The metadata of a function and its caller. */
import { FunctionError } from "./errors.mjs";

/** @import { Origin } from "./frames.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */

/** @param {RunnableFunction} target */
export function functionMetadata({ path, componentPath }) {
  return { name: path, componentPath };
}

/**
 * @param {Origin} origin
 * @param {RunnableFunction} target
 */
export function requestMetadata({ requestId, job }, { kind }) {
  if (kind === "query")
    throw new FunctionError("getRequestMetadata() is not available in queries");
  return {
    ip: null,
    userAgent: null,
    requestId,
    scheduledFunctionId: job?.id ?? null,
    authToken: null,
  };
}

export function deploymentMetadata() {
  return { name: "local", region: null, class: "s16" };
}
