// @ts-check
/**
 * Injects faults that happen on a real deployment but never in memory. Every decision comes from the seed. Without
 * options, nothing goes wrong.
 */
import { timedOut, TransactionDied } from "./errors.mjs";
import { REFUSALS } from "./admission.mjs";

/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Random } from "./random.mjs" */
/** @import { Clock } from "./types.mjs" */

/** @typedef {readonly [number, number]} Range of whole numbers, both ends included */

/**
 * Around a commit of a mutation.
 *
 * @typedef {object} Boundary
 * @property {"before" | "after"} when
 * @property {number} number of the commit, from 1; the same before and after
 * @property {string} componentPath
 * @property {string} function
 */

/**
 * Around a call that an action makes.
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
 * @property {number} [conflictRate] of a top-level mutation's run being discarded
 *   before it commits, to be run again
 * @property {number} [actionConflictRate] of a mutation called by an action being
 *   discarded again and again, until the action gets an error
 * @property {Range} [actionConflictsInARow] how many of an action's calls do so when one does.
 *   Default: one
 * @property {number} [reportLostRate] of a mutation that an action or a client
 *   calls being committed, and reported as failed
 * @property {number} [actionDeathRate] before each call that an action makes, and
 *   after: it ends without a trace, and so do actions that it waits for or that
 *   wait for it
 * @property {(point: ActionPoint) => boolean} [dieAt] the same, where it says
 * @property {Range} [deathNoticedAfterMs] when the row of a dead action's job
 *   says that it failed. Default: from 1 s to 1 min
 * @property {number} [maxConcurrentJobs] scheduled functions that run at a time.
 *   Default: 8
 * @property {Range} [hopLatencyMs] until a scheduled function that is due is
 *   looked at
 * @property {Range} [callLatencyMs] of a call from an action
 * @property {number} [actionPermits] actions that run at a time, those that wait
 *   for another included; one that is called and gets none within 10 s is refused. 16 is what a
 *   self-hosted deployment has. Default: 64
 * @property {number} [refusalRate] of a call by a client or an action being refused before it
 *   begins, in each way in which the platform does that; a scheduled mutation is then tried again
 *   later, and a scheduled action fails
 * @property {number} [writeBytesPerSecond] after which mutations have to be tried again later.
 *   Default: 4 MiB
 * @property {UserTime} [userTime]
 * @property {(target: { componentPath: string, path: string }) => number} [rangesOf] index ranges
 *   that a function is said to have read before its code runs
 * @property {number} [systemErrorRate] of a top-level mutation dying before it commits of an error
 *   of the platform's own
 * @property {(boundary: Boundary) => "die" | void} [onBoundary] "die" before a
 *   commit discards it, and after it makes the caller never know; the action that
 *   called dies, a client gets an error, and a scheduled function is run again
 */

/**
 * What user code is charged where the clock is virtual, instead of the time that it takes. A top-level
 * transaction ends uncatchably when it has been charged more than its budget, with everything
 * nested in it. A mutation's `performance.now()` advances by what has been charged.
 *
 * @typedef {object} UserTime
 * @property {number} [budgetMs] Default: 1 s
 * @property {number} [callMs] of each function, for its context and its modules. Default: 4
 * @property {number} [operationMs] of each call of the host. Default: 0
 * @property {(target: { componentPath: string, path: string }) => number} [costOf] ms of a function, on top
 * @property {number} [slowRate] of a transaction having only a random part of the
 *   budget. Default: 0
 */

/** As long as the code of a top-level query or mutation may run, with all that it calls. */
export const MAX_CODE_MS = 1000;

/** Roughly the time of a fresh context and the evaluation of an app's module on the platform. */
const CALL_MS = 4;

export class Faults {
  /** How often each has struck. @type {Record<string, number>} */
  hits = {};
  #options;
  #random;
  #clock;
  #commits = 0;
  /** Conflicts that are to follow, by action. @type {Map<string, number>} */
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

  waitUntilDeathIsNoticed() {
    return this.#wait(this.#options.deathNoticedAfterMs ?? [1000, 60_000]);
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

  /** How a call is refused, if it is. */
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
  diesAt(point) {
    const name = `action death ${point.when} call`;
    if (this.#options.dieAt?.(point)) return this.hit(name, point.action);
    return this.#strikes(name, this.#options.actionDeathRate, point.action);
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
        this.#options.onBoundary?.(boundary) === "die" &&
        this.hit(`killed ${when} commit`)
      );
    };
    return {
      before: () => isKilled("before"),
      after: () => isKilled("after"),
    };
  }

  /**
   * What a new transaction is charged, and what it spends that from.
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
        throw new TransactionDied(timedOut(budgetMs));
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
