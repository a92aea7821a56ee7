// @ts-check
import { FunctionError } from "./errors.mjs";
import {
  answer,
  NEVER_SETTLED,
  resultOf,
  startFunction,
  warnOfUnawaited,
} from "./functionRun.mjs";

/** @import { Invocation, PendingCall } from "./functionRun.mjs" */

/**
 * Runs a query or a mutation until its promise is settled. Calls of the host are
 * made one at a time, in order, and each is answered when the function has nothing
 * else to do: its code never runs during a call.
 *
 * @param {Invocation} invocation
 * @returns {Promise<string>} the result as JSON
 */
export async function runInTransaction(invocation) {
  /** @type {PendingCall[]} */
  const calls = [];
  const run = startFunction(invocation, (call) => calls.push(call));
  for (;;) {
    run.continue();
    const outcome = run.outcome();
    if (outcome) {
      if (calls.length > 0) warnOfUnawaited(invocation, calls);
      else run.finish();
      return resultOf(outcome);
    }
    const call = calls.shift();
    if (call === undefined) throw new FunctionError(NEVER_SETTLED);
    await answer(invocation, call);
  }
}
