// @ts-check
import { FunctionError } from "./errors.mjs";
import {
  answer,
  NEVER_SETTLED,
  resultOf,
  warnOfUnawaited,
} from "./functionRun.mjs";

/** @import { Invocation, PendingCall, StartFunction } from "./functionRun.mjs" */

/**
 * Runs a query or a mutation until its promise is settled. Calls of the host are
 * made one at a time, in order, and each is answered when the function has nothing
 * else to do: its code never runs during a call.
 *
 * @param {Invocation} invocation
 * @param {StartFunction} start
 * @returns {Promise<string>} the result as JSON
 */
export async function runInTransaction(invocation, start) {
  /** @type {PendingCall[]} */
  const calls = [];
  const run = start(invocation, (call) => calls.push(call));
  let nothingIsLeft = false;
  try {
    for (;;) {
      await run.continue();
      const outcome = run.outcome();
      if (outcome) {
        nothingIsLeft = calls.length === 0;
        if (!nothingIsLeft) warnOfUnawaited(invocation, calls);
        return resultOf(outcome);
      }
      const call = calls.shift();
      if (call === undefined) throw new FunctionError(NEVER_SETTLED);
      await answer(invocation, call);
    }
  } finally {
    run.end(nothingIsLeft);
  }
}
