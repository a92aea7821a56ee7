// @ts-check
/** Runs queries and mutations, each with all that it calls in one transaction. */
import { Conflict, FunctionError, TransactionDied } from "./errors.mjs";
import { runInTransaction } from "./transactionExecution.mjs";
import { createFrame, mergeInto } from "./frames.mjs";
import { ofKind } from "./functions.mjs";
import { checkedValue, MAX_CALL_DEPTH } from "./limits.mjs";
import { transactionSyscalls } from "./transactionSyscalls.mjs";
import { validateArgs, validateReturns } from "./validation.mjs";

/** @import { Frame, Origin } from "./frames.mjs" */
/** @import { Invocation } from "./functionRun.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */
/** @import { StoreTransaction } from "./store.mjs" */

/**
 * @typedef {object} TransactionOptions
 * @property {Origin} origin
 * @property {number} [maxConflicts] after which it fails; default: none, it is
 *   tried until it commits
 * @property {boolean} [alwaysConflicts] never commits
 * @property {() => Promise<never>} [onKilled] what becomes of its caller when it
 *   is killed at its commit; default: it is run again if it has not committed
 */

/**
 * What else a transaction reads and writes, before and after its function.
 *
 * @typedef {object} Surroundings
 * @property {(frame: Frame) => Promise<void>} [before] throws to call it all off
 * @property {(frame: Frame) => Promise<void>} [after]
 */

/** @typedef {(frame: Frame) => Promise<string>} Body gives the result as JSON */

/** The transaction is discarded, and not because of anything it did. */
class Killed extends Error {}

export class Transactions {
  #host;
  #syscalls;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
    this.#syscalls = transactionSyscalls(host.functions, (frame, args) =>
      this.#runNested(frame, args),
    );
  }

  /**
   * @param {RunnableFunction} target a query or a mutation
   * @param {string} argsJson
   * @param {TransactionOptions & Surroundings} options
   * @returns {Promise<string>} the result as JSON
   */
  run(target, argsJson, { before, after, ...options }) {
    return this.runBody(target, options, async (frame) => {
      await before?.(frame);
      const result = await this.#execute(frame, argsJson);
      await after?.(frame);
      return result;
    });
  }

  /**
   * A transaction of the host's own, in the place of the function `target`.
   *
   * @param {RunnableFunction} target
   * @param {TransactionOptions} options
   * @param {Body} body
   * @returns {Promise<string>}
   */
  async runBody(target, options, body) {
    const { maxConflicts, onKilled } = options;
    const { clock } = this.#host;
    for (let conflicts = 0; ;) {
      // Transactions that follow one another on promises alone would leave sockets waiting.
      await clock.giveWay?.();
      try {
        return await this.#attempt(target, options, body);
      } catch (error) {
        if (error instanceof TransactionDied)
          throw new FunctionError(error.message);
        if (error instanceof Killed) {
          await onKilled?.();
          continue;
        }
        if (!(error instanceof Conflict)) throw error;
        if (conflicts++ === maxConflicts)
          throw new FunctionError(conflictMessage(target));
        await this.#host.faults.waitAfterConflict();
      }
    }
  }

  /**
   * @param {RunnableFunction} target
   * @param {TransactionOptions} options
   * @param {Body} body
   */
  async #attempt(target, { origin, alwaysConflicts, onKilled }, body) {
    const { store, clock, faults, logs } = this.#host;
    const transaction = this.#host.newTransaction(origin);
    const isMutation = target.kind !== "query";
    /** @type {Frame | undefined} */
    let root;
    /** @type {ReturnType<typeof faults.boundary> | undefined} */
    let boundary;
    let result = "null";
    const execute = async (/** @type {StoreTransaction} */ store) => {
      transaction.now = clock.now();
      const { random } = transaction;
      root = createFrame({ target, parent: null, transaction, store, random });
      result = await body(root);
      if (root.spoiled) throw root.spoiled;
      if (!isMutation) return;
      if (alwaysConflicts || faults.conflicts()) throw new Conflict();
      boundary = faults.boundary(target);
      if (boundary.before()) throw new Killed();
    };
    const touched = { reads: origin.reads, writes: new Set() };
    try {
      await store.transaction({
        kind: isMutation ? "mutation" : "query",
        componentPath: target.componentPath,
        now: () => transaction.now,
        touched,
        body: execute,
      });
    } catch (error) {
      // A run that is discarded is not seen.
      if (!(error instanceof Conflict || error instanceof Killed))
        logs.publish(transaction);
      throw error;
    }
    logs.publish(transaction);
    if (isMutation && root) this.#host.committed(root, touched.writes);
    if (boundary?.after()) await onKilled?.();
    return result;
  }

  /**
   * @param {Frame} frame
   * @param {string} argsJson
   * @returns {Promise<string>}
   */
  async #execute(frame, argsJson) {
    const { target, transaction } = frame;
    transaction.budget.spend("call", target);
    validateArgs(target.args, checkedValue("Arguments", argsJson));
    const { sync, async } = this.#syscalls;
    /** @type {Invocation} */
    const invocation = {
      bundle: target.bundle,
      kind: target.kind,
      modulePath: target.modulePath,
      name: target.name,
      method: target.method,
      argsJson,
      now: () => transaction.now,
      random: frame.random.next,
      env: this.#host.envOf(target),
      print: (level, message) =>
        transaction.logs.push({ level, target, message }),
      syscall: (name, args) => sync(frame, name, args),
      asyncSyscall: (name, args) => async(frame, name, args),
      budget: transaction.budget,
      sharesContexts: this.#host.sharesContexts(target.componentPath),
    };
    const result = await runInTransaction(invocation, this.#host.startFunction);
    validateReturns(target.returns, checkedValue("Return value", result));
    return result;
  }

  /**
   * @param {Frame} parent
   * @param {any} args of `1.0/runUdf`
   * @returns {Promise<string>} the result as JSON
   */
  async #runNested(parent, { udfType, args, transactionLimits, ...address }) {
    if (parent.depth >= MAX_CALL_DEPTH)
      throw new FunctionError(
        "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
      );
    const kind = udfType === "mutation" ? "mutation" : "query";
    if (parent.target.kind === "query" && kind === "mutation")
      throw new FunctionError("Queries can't call mutations");
    const { functions } = this.#host;
    const target = ofKind(
      functions.resolve(address, parent.target.componentPath),
      kind,
    );
    const { transaction } = parent;
    /** @type {Frame | undefined} */
    let frame;
    let result = "null";
    await parent.store.nested(
      udfType,
      target.componentPath,
      transactionLimits,
      async (store) => {
        const random = parent.random.fork();
        frame = createFrame({ target, parent, transaction, store, random });
        result = await this.#execute(frame, JSON.stringify(args));
        if (frame.spoiled) throw frame.spoiled;
      },
    );
    if (frame) mergeInto(frame, parent);
    return result;
  }
}

/** @param {RunnableFunction} target */
function conflictMessage({ modulePath, name }) {
  return `Documents read from or written to the database changed while "${modulePath}:${name}" was being run and on every subsequent retry. See https://docs.convex.dev/error#1`;
}
