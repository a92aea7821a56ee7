// @ts-check
/** @import { Actions } from "./actions.mjs" */
/** @import { Faults } from "./faults.mjs" */
/** @import { Frame, Origin, Transaction } from "./frames.mjs" */
/** @import { FunctionTable, RunnableFunction } from "./functions.mjs" */
/** @import { Logs } from "./logs.mjs" */
/** @import { Random } from "./random.mjs" */
/** @import { Scheduler } from "./scheduler.mjs" */
/** @import { Store } from "./store.mjs" */
/** @import { Transactions } from "./transactions.mjs" */
/** @import { Clock } from "./types.mjs" */

/**
 * The parts of a deployment, for one another.
 *
 * @typedef {object} Host
 * @property {Clock} clock
 * @property {Random} random of what functions see
 * @property {Faults} faults
 * @property {Store} store
 * @property {FunctionTable} functions
 * @property {Logs} logs
 * @property {Transactions} transactions
 * @property {Actions} actions
 * @property {Scheduler} scheduler
 * @property {(target: RunnableFunction) => (name: string) => string | undefined} envOf
 * @property {(origin: Origin) => Transaction} newTransaction
 * @property {(options?: Partial<Origin>) => Origin} newOrigin
 * @property {(root: Frame) => void} committed
 * @property {<T>(work: Promise<T>) => Promise<T>} track work that is going on
 */

/**
 * Stands where a function of the developer's would, for what the host itself does
 * to a component's tables.
 *
 * @param {string} componentPath
 * @param {string} name
 * @returns {RunnableFunction}
 */
export function systemFunction(componentPath, name) {
  return {
    componentPath,
    path: `_system:${name}`,
    kind: "mutation",
    visibility: "internal",
    modulePath: "_system.js",
    name,
    args: { type: "any" },
    returns: null,
    bundle: { scripts: new Map(), position: () => undefined },
  };
}
