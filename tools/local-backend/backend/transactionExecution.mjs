// @ts-check
import { FunctionError } from "./errors.mjs";
import { answer, NEVER_SETTLED, resultOf } from "./functionRun.mjs";

/** @import { Invocation, PendingCall, StartFunction } from "./functionRun.mjs" */

/** Of the calls that are answered together. */
const READS = ["1.0/get", "1.0/queryStreamNext"];
const MAX_READS = 16;

/**
 * Runs a query or a mutation until its promise is settled and all calls are made that it
 * asked for. Calls of the host are made one at a time, in order, and each is answered when the
 * function has nothing else to do: its code never runs during a call. Reads that
 * follow one another are answered together.
 *
 * @param {Invocation} invocation
 * @param {StartFunction} start
 * @param {(what: string) => void} note is told of what a function rarely does
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
      // If it throws, it ends at once.
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
 * Takes those that are made before the function's code runs again.
 *
 * @param {PendingCall[]} calls
 */
function nextCalls(calls) {
  const end = calls.findIndex(({ name }) => !READS.includes(name));
  const reads = end === -1 ? calls.length : end;
  return calls.splice(0, Math.min(Math.max(1, reads), MAX_READS));
}
