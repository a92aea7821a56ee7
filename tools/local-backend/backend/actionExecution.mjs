// @ts-check
import { FunctionError, timedOut } from "./errors.mjs";
import { fetchFailure, fetchFor } from "./fetching.mjs";
import {
  answer,
  NEVER_SETTLED,
  resultOf,
  warnOfUnawaited,
} from "./functionRun.mjs";

/** @import { ActionHost, FunctionRun, Invocation, PendingCall, StartFunction } from "./functionRun.mjs" */
/** @import { Clock } from "./types.mjs" */

const MAX_ACTION_MS = 30 * 60_000;

/**
 * @typedef {object} ActionOptions
 * @property {Clock} clock
 * @property {{ hasCrashed: boolean, crashed: Promise<never> }} tree `crashed` rejects when the action crashes
 * @property {StartFunction} start
 */

/**
 * Runs an action until its promise settles. If the action crashes, the returned promise never settles.
 * Its host calls, timers and `fetch` overlap.
 *
 * @param {Invocation} invocation
 * @param {ActionOptions} options
 * @returns {Promise<string>} the result as JSON
 */
export function runOutsideTransaction(invocation, options) {
  return new Promise((resolve, reject) => {
    void new ActionRun(invocation, options, resolve, reject).resume();
  });
}

class ActionRun {
  #invocation;
  #options;
  #resolve;
  #reject;
  /** @type {FunctionRun} */
  #run;
  #isRunning = false;
  /** Whether a reply arrived while its code ran. */
  #mustContinue = false;
  /** @type {PendingCall[]} */
  #calls = [];
  /** @type {Set<() => void>} */
  #timers = new Set();
  #inFlight = 0;
  #isOver = false;

  /**
   * @param {Invocation} invocation
   * @param {ActionOptions} options
   * @param {(json: string) => void} resolve
   * @param {(error: unknown) => void} reject
   */
  constructor(invocation, options, resolve, reject) {
    this.#invocation = invocation;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#run = options.start(
      invocation,
      (call) => this.#calls.push(call),
      this.#actionHost(),
    );
    options.tree.crashed.catch(() => this.#end());
    this.#setTimer(MAX_ACTION_MS, () =>
      this.#fail(new FunctionError(timedOut(MAX_ACTION_MS))),
    );
  }

  /** Runs its code until it waits, then performs its requests. */
  async resume() {
    this.#mustContinue = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#mustContinue && !this.#isOver) {
        if (this.#options.tree.hasCrashed) return;
        this.#mustContinue = false;
        await this.#run.continue();
        if (!this.#isOver) this.#takeRequests();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isRunning = false;
    }
  }

  #takeRequests() {
    const outcome = this.#run.outcome();
    if (outcome) {
      if (this.#calls.length > 0)
        warnOfUnawaited(this.#invocation, this.#calls);
      const result = resultOf(outcome);
      this.#end();
      return this.#resolve(result);
    }
    for (const call of this.#calls.splice(0))
      void this.#during(() => answer(this.#invocation, call));
    if (this.#inFlight === 0 && !this.#mustContinue)
      throw new FunctionError(NEVER_SETTLED);
  }

  /** @returns {ActionHost} */
  #actionHost() {
    return {
      sleep: (ms, done) =>
        void this.#during(async () => {
          await new Promise((elapsed) => {
            this.#setTimer(ms, () => elapsed(undefined));
          });
          done();
        }),
      fetch: (request, body, reply) =>
        void this.#during(() =>
          fetchFor(request, body).then(
            ({ head, bytes }) => reply(undefined, head, bytes),
            (error) => reply(fetchFailure(error), ""),
          ),
        ),
    };
  }

  /** @param {() => Promise<void>} work that the action may be waiting for */
  async #during(work) {
    this.#inFlight++;
    try {
      await work();
    } catch (error) {
      return this.#fail(error);
    }
    this.#inFlight--;
    void this.resume();
  }

  /**
   * @param {number} ms
   * @param {() => void} fire
   */
  #setTimer(ms, fire) {
    const cancel = this.#options.clock.setTimer(ms, () => {
      this.#timers.delete(cancel);
      fire();
    });
    this.#timers.add(cancel);
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#isOver) return;
    this.#end();
    this.#reject(error);
  }

  #end() {
    this.#isOver = true;
    this.#run.end(false);
    for (const cancel of this.#timers) cancel();
  }
}
