// @ts-check
/** The state of a running function. */

/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Job } from "./jobs.mjs" */
/** @import { StoreTransaction } from "./store.mjs" */
/** @import { Random } from "./random.mjs" */

/**
 * What a request, or a scheduled job, hands down to everything that it calls.
 *
 * @typedef {object} Origin
 * @property {string} requestId
 * @property {object | null} identity of whoever calls
 * @property {Pick<Job, "id" | "componentPath"> | null} job the scheduled function that all of it belongs to
 * @property {string[]} logLines of everything, as a client is given them
 * @property {Set<string>} reads the tables that were read, as in Touched
 */

/**
 * A query or a mutation, and the transaction that it shares with what it calls.
 *
 * @typedef {object} Frame
 * @property {RunnableFunction} target
 * @property {Frame | null} parent
 * @property {number} depth 0: called from outside of the transaction
 * @property {Transaction} transaction
 * @property {StoreTransaction} store
 * @property {Random} random
 * @property {{ query: object, id?: number }[]} queries by the id that the function knows
 * @property {Job[]} jobs scheduled, and still to be committed
 * @property {string[]} canceledJobs their keys
 * @property {Error | undefined} spoiled why it can't end well, whatever it catches
 */

/**
 * @typedef {object} Transaction
 * @property {Origin} origin
 * @property {number} now at which all of it happens
 * @property {Random} random
 * @property {TransactionLog[]} logs
 * @property {(level: string, message: string, target: RunnableFunction) => void} print
 * @property {Set<string>} modules that it has loaded, by component and path
 * @property {Budget} budget
 */

/** @typedef {{ level: string, target: RunnableFunction, message: string }} TransactionLog */

/**
 * Time of user code that a transaction shares with everything nested in it.
 *
 * @typedef {object} Budget
 * @property {number | undefined} codeMs left for running code; undefined: not measured
 * @property {number} maxCodeMs
 * @property {number} [chargedMs] where code is not measured: what has been charged for it instead
 * @property {(cost: "call" | "operation", target: RunnableFunction) => void} spend
 *   throws TransactionDied when nothing is left
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
 * Within a transaction it stays the same. A call from an action drops it where another component begins.
 *
 * @param {{ target: RunnableFunction, identity: object | null }} caller
 * @param {RunnableFunction} target
 */
export function identityAcross(caller, { componentPath }) {
  return caller.target.componentPath === componentPath ? caller.identity : null;
}

/**
 * What a function brought about becomes its caller's.
 *
 * @param {Frame} frame
 * @param {Frame} parent
 */
export function mergeInto(frame, parent) {
  parent.jobs.push(...frame.jobs);
  parent.canceledJobs.push(...frame.canceledJobs);
}
