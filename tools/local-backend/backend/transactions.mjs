// @ts-check
/** Runs queries and mutations, each with everything that it calls in one transaction. */
import { CALL_BACKOFF, delayAfter } from "./backoff.mjs";
import {
  Conflict,
  FunctionError,
  messageOf,
  SystemError,
  TransactionAborted,
} from "./errors.mjs";
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
 * @property {Retries} retries
 * @property {boolean} [alwaysConflicts] if true, it never commits
 * @property {() => Promise<never>} [onKilled] called when it is killed at its commit. By default, it runs again
 *   unless it has committed
 */

/**
 * Decides how to handle conflicts and platform errors. A call from a client or an action gets five attempts and
 * then fails. The scheduler learns of each failure and retries later. The host's own transactions are retried
 * until they commit.
 *
 * @typedef {"call" | "scheduled" | "host"} Retries
 */

/**
 * Further reads and writes of a transaction, before and after its function.
 *
 * @typedef {object} TransactionHooks
 * @property {(frame: Frame) => Promise<void>} [before] throws to abandon the transaction
 * @property {(frame: Frame) => Promise<void>} [after]
 */

/** @typedef {(frame: Frame) => Promise<string>} Body returns the result as JSON */

const MAX_TRIES = 5;

/** The transaction was discarded, but not because of its own actions. */
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
   * @param {TransactionOptions & TransactionHooks} options
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
   * Runs the host's own transaction in place of the function `target`.
   *
   * @param {RunnableFunction} target
   * @param {TransactionOptions} options
   * @param {Body} body
   * @returns {Promise<string>}
   */
  async runBody(target, options, body) {
    const { retries, onKilled } = options;
    const { clock } = this.#host;
    for (let conflicts = 0; ;) {
      // Otherwise, transactions that follow one another on promises alone would starve sockets.
      await clock.giveWay?.();
      try {
        if (retries !== "call")
          return await this.#attempt(target, options, body);
        const kind = target.kind === "query" ? "query" : "mutation";
        return await this.#host.admission.run(kind, true, () =>
          this.#attempt(target, options, body),
        );
      } catch (error) {
        if (error instanceof TransactionAborted)
          throw new FunctionError(error.message);
        if (error instanceof Killed) {
          await onKilled?.();
          continue;
        }
        if (retries === "scheduled") throw error;
        if (error instanceof SystemError)
          throw new FunctionError(error.message);
        if (!(error instanceof Conflict)) throw error;
        const pause = delayAfter(CALL_BACKOFF, conflicts);
        if (++conflicts === MAX_TRIES && retries === "call")
          throw new FunctionError(error.message);
        await new Promise((resolve) => {
          clock.setTimer(pause, () => resolve(undefined));
        });
      }
    }
  }

  /**
   * @param {RunnableFunction} target
   * @param {TransactionOptions} options
   * @param {Body} body
   */
  async #attempt(target, options, body) {
    const { origin, alwaysConflicts, onKilled, retries } = options;
    const { store, clock, faults, logs, writeRate } = this.#host;
    const transaction = this.#host.newTransaction(origin);
    const isMutation = target.kind !== "query";
    if (isMutation && retries !== "host") writeRate.check();
    /** @type {Frame | undefined} */
    let root;
    /** @type {ReturnType<typeof faults.boundary> | undefined} */
    let boundary;
    let result = "null";
    let bytesWritten = 0;
    const execute = async (/** @type {StoreTransaction} */ store) => {
      transaction.now = clock.now();
      const { random } = transaction;
      root = createFrame({ target, parent: null, transaction, store, random });
      result = await body(root);
      if (root.spoiled) throw root.spoiled;
      if (!isMutation) return;
      bytesWritten = root.store.usage.bytesWritten();
      if (alwaysConflicts || faults.conflicts())
        throw new Conflict(conflictMessage(touched.writes));
      if (retries !== "host" && faults.systemFails()) throw new SystemError();
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
      // Discarded executions are invisible.
      if (!(
        error instanceof Conflict ||
        error instanceof SystemError ||
        error instanceof Killed
      ))
        logs.publish(transaction);
      throw error;
    }
    logs.publish(transaction);
    if (isMutation && root) {
      writeRate.note(bytesWritten);
      this.#host.committed(root, touched.writes);
    }
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
    this.#loadModules(frame);
    transaction.budget.spend("call", target);
    this.#readRanges(frame);
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
      print: (level, message) => transaction.print(level, message, target),
      syscall: (name, args) => sync(frame, name, args),
      asyncSyscall: (name, args) => async(frame, name, args),
      budget: transaction.budget,
      sharesContexts: this.#host.sharesContexts(target.componentPath),
    };
    const { startFunction, faults } = this.#host;
    const result = await runInTransaction(invocation, startFunction, (what) =>
      faults.hit(what),
    );
    validateReturns(target.returns, checkedValue("Return value", result));
    return result;
  }

  /**
   * Counts one index range for each file of the function's module that the transaction hasn't loaded
   * yet. If that exceeds the limit, no code can catch the error.
   *
   * @param {Frame} frame
   */
  #loadModules({ target, transaction, store }) {
    const { bundle, componentPath, modulePath } = target;
    const { modules } = transaction;
    const before = modules.size;
    for (const file of bundle.filesOf(modulePath))
      modules.add(`${componentPath}:${file}`);
    try {
      store.usage.readRanges(modules.size - before);
    } catch {
      this.#host.faults.hit("no ranges left for modules");
      throw new SystemError();
    }
  }

  /** @param {Frame} frame */
  #readRanges({ target, store }) {
    try {
      store.usage.readRanges(this.#host.faults.rangesOf(target));
    } catch (error) {
      throw new FunctionError(`Uncaught Error: ${messageOf(error)}\n`);
    }
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
    if (address.functionHandle !== undefined) parent.store.usage.readRanges(1);
    const target = ofKind(
      functions.resolve(address, parent.target.componentPath),
      kind,
    );
    const { transaction } = parent;
    if (
      transaction.origin.identity &&
      target.componentPath !== parent.target.componentPath
    )
      this.#host.faults.hit("identity in a component");
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

/** @param {Set<string>} writes as in Touched */
function conflictMessage(writes) {
  const [table] = [...writes].map((name) => name.split("/").at(-1));
  return table === undefined
    ? "Data read or written in this mutation changed while it was being run. Consider reducing the amount of data read by using indexed queries with selective index range expressions (https://docs.convex.dev/database/query/indexes/)."
    : `Documents read from or written to the "${table}" table changed while this mutation was being run and on every subsequent retry. Another call to this mutation changed the document. See https://docs.convex.dev/error#1`;
}
