// @ts-check
/**
 * Injects faults that happen on a real deployment but never in memory. Every decision comes from the seed. Without
 * options, nothing goes wrong.
 */
import { timedOut, TransactionAborted } from "./errors.mjs";
import { REFUSALS } from "./admission.mjs";

/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Random } from "./random.mjs" */
/** @import { Clock } from "./types.mjs" */

/** @typedef {readonly [number, number]} Range of whole numbers, both ends included */

/**
 * A moment before or after a mutation commits.
 *
 * @typedef {object} Boundary
 * @property {"before" | "after"} when
 * @property {number} number of the commit, from 1, the same before and after
 * @property {string} componentPath
 * @property {string} function
 */

/**
 * A moment before or after a call from an action.
 *
 * @typedef {object} ActionPoint
 * @property {"before" | "after"} when
 * @property {string} componentPath of the action
 * @property {string} action
 * @property {string} call the called function's path, or the operation's name
 */

/**
 * Rates are probabilities from 0 to 1.
 *
 * @typedef {object} FaultOptions
 * @property {number} [conflictRate] discards a top-level mutation's execution before it
 *   commits, and runs it again
 * @property {number} [actionConflictRate] discards a mutation that an action calls until the
 *   action gets an error
 * @property {Range} [actionConflictsInARow] how many calls of an action conflict in a row.
 *   Default: one
 * @property {number} [reportLostRate] commits a mutation that an action or a client calls, but
 *   reports it as failed
 * @property {number} [actionCrashRate] crashes an action before or after a call that it makes.
 *   Actions that it waits for, or that wait for it, crash too
 * @property {(point: ActionPoint) => boolean} [crashAt] crashes an action where it returns true
 * @property {Range} [crashNoticedAfterMs] when the row of a crashed action's job becomes failed.
 *   Default: from 1 s to 1 min
 * @property {number} [maxConcurrentJobs] the maximum number of running scheduled functions.
 *   Default: 8
 * @property {Range} [hopLatencyMs] delay before a due scheduled function starts
 * @property {Range} [callLatencyMs] delay of a call from an action
 * @property {number} [actionPermits] the maximum number of running actions, including those that
 *   wait for another. A call without a permit for 10 s is refused. A self-hosted deployment has 16.
 *   Default: 64
 * @property {number} [refusalRate] refuses a call from a client or an action before it begins,
 *   with each of the platform's errors. A scheduled mutation is retried later, and a scheduled
 *   action fails
 * @property {number} [writeBytesPerSecond] the write rate above which mutations are retried later.
 *   Default: 4 MiB
 * @property {UserTime} [userTime]
 * @property {(target: { componentPath: string, path: string }) => number} [rangesOf] index ranges
 *   that count as read before a function's code runs
 * @property {number} [systemErrorRate] fails a top-level mutation with a platform error before it
 *   commits
 * @property {(boundary: Boundary) => "kill" | void} [onBoundary] "kill" before a commit discards it.
 *   After a commit, it hides the commit from the caller. The calling action crashes, a client gets
 *   an error, and a scheduled function runs again
 */

/**
 * The charge for user code while the clock is virtual, instead of its real time. A top-level transaction
 * ends uncatchably, with everything nested in it, once the charges exceed its budget. A mutation's
 * `performance.now()` advances by the charges.
 *
 * @typedef {object} UserTime
 * @property {number} [budgetMs] Default: 1 s
 * @property {number} [callMs] for each function's context and modules. Default: 4
 * @property {number} [operationMs] for each host call. Default: 0
 * @property {(target: { componentPath: string, path: string }) => number} [costOf] additional ms of a function
 * @property {number} [slowRate] how often a transaction gets only a random part of the
 *   budget. Default: 0
 */

/** The time limit for the code of a top-level query or mutation, including its calls. */
export const MAX_CODE_MS = 1000;

/** Roughly the platform's time to create a context and evaluate an app's module. */
const CALL_MS = 4;

export class Faults {
  /** How often each fault has occurred. @type {Record<string, number>} */
  hits = {};
  #options;
  #random;
  #clock;
  #commits = 0;
  /** Remaining conflicts in a row, by action. @type {Map<string, number>} */
  #conflictsDue = new Map();

  /**
   * @param {FaultOptions} options
   * @param {Random} random
   * @param {Clock} clock
   */
  constructor(options, random, clock) {
    this.#options = options;
    this.#random = random;
    this.#clock = clock;
  }

  get maxConcurrentJobs() {
    return this.#options.maxConcurrentJobs ?? 8;
  }

  get actionPermits() {
    return this.#options.actionPermits ?? 64;
  }

  get writeBytesPerSecond() {
    return this.#options.writeBytesPerSecond ?? 4 << 20;
  }

  hopLatency() {
    return this.#random.between(this.#options.hopLatencyMs ?? [0, 0]);
  }

  async waitForCall() {
    const { callLatencyMs } = this.#options;
    if (callLatencyMs) await this.#wait(callLatencyMs);
  }

  waitUntilCrashIsNoticed() {
    return this.#wait(this.#options.crashNoticedAfterMs ?? [1000, 60_000]);
  }

  conflicts() {
    return this.#strikes("conflict", this.#options.conflictRate);
  }

  /** @param {RunnableFunction} target */
  rangesOf(target) {
    const ranges = this.#options.rangesOf?.(target) ?? 0;
    if (ranges > 0) this.hit("many ranges read");
    return ranges;
  }

  systemFails() {
    return this.#strikes("system error", this.#options.systemErrorRate);
  }

  /** @param {string} action whose call it is */
  actionConflicts(action) {
    const { actionConflictRate, actionConflictsInARow = [1, 1] } =
      this.#options;
    const due = this.#conflictsDue.get(action) ?? 0;
    this.#conflictsDue.set(action, Math.max(0, due - 1));
    if (due > 0) return this.hit("action conflict", action);
    if (!this.#strikes("action conflict", actionConflictRate, action))
      return false;
    const inARow = this.#random.between(actionConflictsInARow);
    this.#conflictsDue.set(action, inARow - 1);
    return true;
  }

  /** Returns the kind of refusal, if the call is refused. */
  refusal() {
    if (!this.#random.chance(this.#options.refusalRate ?? 0)) return undefined;
    const refusals = /** @type {(keyof typeof REFUSALS)[]} */ (
      Object.keys(REFUSALS)
    );
    const refusal = refusals[this.#random.between([0, refusals.length - 1])];
    if (refusal) this.hit(refusal);
    return refusal;
  }

  /** @param {"mutation" | "action"} kind of a scheduled function */
  refusesJob(kind) {
    return this.#strikes(
      `scheduled ${kind} refused`,
      this.#options.refusalRate,
    );
  }

  /** @param {string} [action] whose call it is */
  losesReport(action) {
    return this.#strikes("report lost", this.#options.reportLostRate, action);
  }

  /** @param {ActionPoint} point */
  crashesAt(point) {
    const name = `action crash ${point.when} call`;
    if (this.#options.crashAt?.(point)) return this.hit(name, point.action);
    return this.#strikes(name, this.#options.actionCrashRate, point.action);
  }

  /**
   * @param {RunnableFunction} target of a mutation about to be committed
   * @returns {{ before: () => boolean, after: () => boolean }} whether it is killed
   */
  boundary({ componentPath, path }) {
    const number = ++this.#commits;
    const isKilled = (/** @type {Boundary["when"]} */ when) => {
      const boundary = { when, number, componentPath, function: path };
      return (
        this.#options.onBoundary?.(boundary) === "kill" &&
        this.hit(`killed ${when} commit`)
      );
    };
    return {
      before: () => isKilled("before"),
      after: () => isKilled("after"),
    };
  }

  /**
   * Returns the budget of a new transaction, and how it is charged.
   *
   * @returns {import("./frames.mjs").Budget}
   */
  chargedBudget() {
    const {
      budgetMs = MAX_CODE_MS,
      callMs = CALL_MS,
      operationMs = 0,
      costOf,
      slowRate = 0,
    } = this.#options.userTime ?? {};
    const isSlow = this.#random.chance(slowRate);
    const limit = isSlow ? budgetMs * this.#random.next() : budgetMs;
    const budget = {
      codeMs: undefined,
      maxCodeMs: budgetMs,
      chargedMs: 0,
      /** @type {import("./frames.mjs").Budget["spend"]} */
      spend: (kind, target) => {
        budget.chargedMs +=
          kind === "call" ? callMs + (costOf?.(target) ?? 0) : operationMs;
        if (budget.chargedMs <= limit) return;
        this.hit("transaction timeout");
        throw new TransactionAborted(timedOut(budgetMs));
      },
    };
    return budget;
  }

  /**
   * @param {string} name
   * @param {string} [action] by which it is counted as well
   */
  hit(name, action) {
    for (const key of action ? [name, `${name} of ${action}`] : [name])
      this.hits[key] = (this.hits[key] ?? 0) + 1;
    return true;
  }

  /**
   * @param {string} name
   * @param {number | undefined} rate
   * @param {string} [action]
   */
  #strikes(name, rate = 0, action) {
    return this.#random.chance(rate) && this.hit(name, action);
  }

  /**
   * @param {Range} range
   * @returns {Promise<void>}
   */
  #wait(range) {
    const ms = this.#random.between(range);
    return new Promise((resolve) => {
      this.#clock.setTimer(ms, resolve);
    });
  }
}
