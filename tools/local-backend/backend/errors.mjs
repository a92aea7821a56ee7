// @ts-check
/** @import { JSONValue } from "./types.mjs" */

/** An error that a function threw or caused. Its caller may catch it. */
export class FunctionError extends Error {
  /**
   * @param {string} message as the caller sees it
   * @param {JSONValue} [data] of a ConvexError
   */
  constructor(message, data) {
    super(message);
    this.data = data;
  }
}

/** The called function doesn't exist. */
export class NotFoundError extends FunctionError {}

/** Ends a whole transaction, even if code tries to catch it. */
export class TransactionAborted extends Error {}

/** An execution of a transaction to discard and retry. */
export class Conflict extends Error {}

/** A fault of the platform itself. It ends the whole transaction. A scheduled mutation is retried forever. */
export class SystemError extends Error {
  constructor(
    message = "Your request couldn't be completed. Try again later.",
  ) {
    super(message);
  }
}

/** Ends an action without a reply or a result. */
export class ActionCrashed extends Error {}

/** The deployment was closed. */
export class DeploymentClosed extends Error {}

/** @param {unknown} error */
export function isCatchable(error) {
  return !(
    error instanceof TransactionAborted ||
    error instanceof SystemError ||
    error instanceof Conflict ||
    error instanceof ActionCrashed ||
    error instanceof DeploymentClosed
  );
}

/** @param {number} ms */
export function timedOut(ms) {
  return `Function execution timed out (maximum duration: ${ms / 1000}s)`;
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {unknown} error
 * @returns {JSONValue | undefined}
 */
export function dataOf(error) {
  return error instanceof FunctionError ? error.data : undefined;
}
