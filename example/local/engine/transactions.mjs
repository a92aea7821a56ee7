// @ts-check
/** Runs queries and mutations, each with all that it calls in one transaction. */
import { Conflict, FunctionError, TransactionDied } from "./errors.mjs";
import { runInTransaction } from "./execution.mjs";
import { createFrame, mergeInto } from "./frames.mjs";
import { ofKind } from "./functions.mjs";
import { checkValue, MAX_CALL_DEPTH } from "./limits.mjs";
import { transactionSyscalls } from "./transactionSyscalls.mjs";
import { validateArgs, validateReturns } from "./validation.mjs";

/** @import { Frame, Origin } from "./frames.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */

/**
 * @typedef {object} TransactionOptions
 * @property {Origin} origin
 * @property {number} [maxConflicts] after which it fails; default: none, it is tried until it commits
 * @property {(frame: Frame) => Promise<void>} [before] throws to call the whole transaction off
 * @property {(frame: Frame) => Promise<void>} [after] what else the transaction writes
 */

/** A host's own function is given what a function of the developer's would see. */
/** @typedef {(frame: Frame) => Promise<string>} Body gives the result as JSON */

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
   * @param {TransactionOptions} options
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
   * @param {Pick<TransactionOptions, "origin" | "maxConflicts">} options
   * @param {Body} body
   */
  async runBody(target, { origin, maxConflicts }, body) {
    for (let conflicts = 0; ; conflicts++) {
      try {
        return await this.#attempt(target, origin, body);
      } catch (error) {
        if (error instanceof TransactionDied)
          throw new FunctionError(error.message);
        if (!(error instanceof Conflict)) throw error;
        if (conflicts === maxConflicts)
          throw new FunctionError(conflictMessage(target));
        await this.#host.faults.pauseAfterConflict();
      }
    }
  }

  /**
   * @param {RunnableFunction} target
   * @param {Origin} origin
   * @param {Body} body
   */
  async #attempt(target, origin, body) {
    const { store, clock, faults, logs } = this.#host;
    const transaction = this.#host.newTransaction(origin);
    const type = target.kind === "query" ? "query" : "mutation";
    /** @type {Frame | undefined} */
    let root;
    let result = "null";
    const now = () => transaction.now;
    try {
      await store.transaction(
        type,
        target.componentPath,
        now,
        async (store) => {
          transaction.now = clock.now();
          const { random } = transaction;
          root = createFrame({
            target,
            parent: null,
            transaction,
            store,
            random,
          });
          result = await body(root);
          if (root.spoiled) throw root.spoiled;
          if (type === "mutation") faults.beforeCommit(target);
        },
      );
    } catch (error) {
      // A run that is to be repeated has not been.
      if (!(error instanceof Conflict)) logs.publish(transaction);
      throw error;
    }
    logs.publish(transaction);
    if (type === "mutation" && root) this.#host.committed(root);
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
    checkValue("Arguments", argsJson);
    validateArgs(target.args, JSON.parse(argsJson));
    const result = await runInTransaction({
      bundle: target.bundle,
      kind: target.kind,
      modulePath: target.modulePath,
      name: target.name,
      argsJson,
      now: () => transaction.now,
      random: frame.random.next,
      env: this.#host.envOf(target),
      print: (level, message) =>
        transaction.logs.push({ level, target, message }),
      syscall: (name, args) =>
        JSON.stringify(this.#syscalls.sync(frame, name, JSON.parse(args))),
      asyncSyscall: async (name, args) =>
        JSON.stringify(
          await this.#syscalls.async(frame, name, JSON.parse(args)),
        ),
      budget: transaction.budget,
    });
    checkValue("Return value", result);
    validateReturns(target.returns, JSON.parse(result));
    return result;
  }

  /**
   * @param {Frame} parent
   * @param {any} args of `1.0/runUdf`
   * @returns {Promise<any>} the result's JSON, parsed
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
    return JSON.parse(result);
  }
}

/** @param {RunnableFunction} target */
function conflictMessage({ modulePath, name }) {
  return `Documents read from or written to the database changed while "${modulePath}:${name}" was being run and on every subsequent retry. See https://docs.convex.dev/error#1`;
}
