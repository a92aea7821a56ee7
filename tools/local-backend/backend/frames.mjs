// @ts-check
/** The state of a running function. */

/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Job } from "./jobs.mjs" */
/** @import { StoreTransaction } from "./store.mjs" */
/** @import { Random } from "./random.mjs" */

/**
 * The state that a request or a scheduled job passes to everything that it calls.
 *
 * @typedef {object} Origin
 * @property {string} requestId
 * @property {object | null} identity of the caller
 * @property {Pick<Job, "id" | "componentPath"> | null} job the scheduled function that it belongs to
 * @property {string[]} logLines all log lines, as a client receives them
 * @property {Set<string>} reads the tables that were read, as in Touched
 */

/**
 * A query or a mutation, and the transaction that it shares with what it calls.
 *
 * @typedef {object} Frame
 * @property {RunnableFunction} target
 * @property {Frame | null} parent
 * @property {number} depth 0 if it was called from outside the transaction
 * @property {Transaction} transaction
 * @property {StoreTransaction} store
 * @property {Random} random
 * @property {{ query: object, id?: number }[]} queries by the id that the function uses
 * @property {Job[]} jobs scheduled but not yet committed
 * @property {string[]} canceledJobs the keys of canceled jobs
 * @property {Error | undefined} spoiled an error that fails it even if the code catches it
 */

/**
 * @typedef {object} Transaction
 * @property {Origin} origin
 * @property {number} now the time of everything in it
 * @property {Random} random
 * @property {TransactionLog[]} logs
 * @property {(level: string, message: string, target: RunnableFunction) => void} print
 * @property {Set<string>} modules the loaded modules, by component and path
 * @property {Budget} budget
 */

/** @typedef {{ level: string, target: RunnableFunction, message: string }} TransactionLog */

/**
 * The time for user code that a transaction shares with everything nested in it.
 *
 * @typedef {object} Budget
 * @property {number | undefined} codeMs left for running code, or undefined if it isn't measured
 * @property {number} maxCodeMs
 * @property {number} [chargedMs] the charges so far, if code isn't measured
 * @property {(cost: "call" | "operation", target: RunnableFunction) => void} spend
 *   throws TransactionAborted when nothing is left
 */

/**
 * @param {Pick<Frame, "target" | "parent" | "transaction" | "store" | "random">} frame
 * @returns {Frame}
 */
export function createFrame({ parent, ...frame }) {
  return {
    ...frame,
    parent,
    depth: parent === null ? 0 : parent.depth + 1,
    queries: [],
    jobs: [],
    canceledJobs: [],
    spoiled: undefined,
  };
}

/**
 * The identity stays the same within a transaction. A call from an action into another component drops it.
 *
 * @param {{ target: RunnableFunction, identity: object | null }} caller
 * @param {RunnableFunction} target
 */
export function identityAcross(caller, { componentPath }) {
  return caller.target.componentPath === componentPath ? caller.identity : null;
}

/**
 * Adds a function's effects to its caller's.
 *
 * @param {Frame} frame
 * @param {Frame} parent
 */
export function mergeInto(frame, parent) {
  parent.jobs.push(...frame.jobs);
  parent.canceledJobs.push(...frame.canceledJobs);
}
