// @ts-check
/** @import { Change } from "./types.mjs" */

/**
 * Puts the changes of all runs in one order. Each run is read separately, so changes arrive late. A change is passed
 * on once every run has been read up to its time. A later change, in a run that another run started, gets the time of
 * the change before it.
 *
 * @param {(change: Change) => void} pass
 * @param {() => number} seenUntil up to which time every run in progress has been seen
 */
export function inOrder(pass, seenUntil) {
  /** @type {Change[]} */
  let held = [];
  let last = 0;
  const flush = (until = seenUntil()) => {
    held.sort(compare);
    const due = held.filter(({ at }) => at <= until);
    held = held.filter(({ at }) => at > until);
    for (const change of due) {
      last = Math.max(last, change.at);
      pass({ ...change, at: last });
    }
  };
  return {
    /** @param {Change} change */
    hold: (change) => void held.push(change),
    flush,
  };
}

/** At one moment, a child's steps start after and end before the step that is the child. @param {Change} a @param {Change} b */
function compare(a, b) {
  if (a.at !== b.at || a.run !== b.run) return a.at - b.at;
  if ("step" in a && "step" in b && a.type === b.type) {
    const deeper = b.step.split(".").length - a.step.split(".").length;
    return a.type === "stepEnded" ? deeper : -deeper;
  }
  return rank(a) - rank(b);
}

/** The steps' changes come between the start and the end of their run. @param {Change} change */
const rank = (change) =>
  "step" in change ? 0 : change.type === "runEnded" ? 1 : -1;
