// @ts-check
import { FunctionError } from "./errors.mjs";
import { answer, NEVER_SETTLED, resultOf } from "./functionRun.mjs";

/** @import { Invocation, PendingCall, StartFunction } from "./functionRun.mjs" */

/** The calls that may be answered together. */
const READS = ["1.0/get", "1.0/queryStreamNext"];
const MAX_READS = 16;

/**
 * Runs a query or a mutation until its promise settles and all its host calls are done. Host calls
 * run one at a time, in order. Each is answered when the function has nothing else to do, so its code
 * never runs during a call. Consecutive reads are answered together.
 *
 * @param {Invocation} invocation
 * @param {StartFunction} start
 * @param {(what: string) => void} note counts what a function rarely does
 * @returns {Promise<string>} the result as JSON
 */
export async function runInTransaction(invocation, start, note) {
  /** @type {PendingCall[]} */
  const calls = [];
  const run = start(invocation, (call) => calls.push(call));
  let nothingIsLeft = false;
  try {
    for (;;) {
      await run.continue();
      const outcome = run.outcome();
      // If the function throws, it ends at once.
      if (outcome && (calls.length === 0 || !outcome.succeeded)) {
        nothingIsLeft = calls.length === 0;
        return resultOf(outcome);
      }
      if (calls.length === 0) throw new FunctionError(NEVER_SETTLED);
      if (outcome) note("calls after return");
      const next = nextCalls(calls);
      if (next.length > 1) note("reads together");
      for (const call of next) await answer(invocation, call);
    }
  } finally {
    run.end(nothingIsLeft);
  }
}

/**
 * Removes the calls to make before the function's code runs again.
 *
 * @param {PendingCall[]} calls
 */
function nextCalls(calls) {
  const end = calls.findIndex(({ name }) => !READS.includes(name));
  const reads = end === -1 ? calls.length : end;
  return calls.splice(0, Math.min(Math.max(1, reads), MAX_READS));
}
