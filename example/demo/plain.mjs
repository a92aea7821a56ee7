// @ts-check
/** Prints the changes line by line, for pipes, logs and simple terminals. */
import { activity, duration, outcome, stepOutcome } from "./text.mjs";

/** @import { Change, Step } from "./types.mjs" */

/** If a run has more steps than this, the rest are counted instead of printed. */
const PRINTED_STEPS = 40;
const COUNTED_STEPS = 100;

/**
 * @param {number} beganAt the time from which lines count theirs
 * @returns {(change: Change) => string | undefined} a change's line, if it has one
 */
export function plainLines(beganAt) {
  /** @type {Map<string, { started: number, ended: number }>} */
  const steps = new Map();

  /** @param {Change & { type: `step${string}` }} change */
  const isPrinted = (change) => {
    const count = steps.get(change.run) ?? { started: 0, ended: 0 };
    steps.set(change.run, count);
    if (change.type === "stepStarted") count.started++;
    if (change.type === "stepEnded") count.ended++;
    const hasFailed =
      change.type === "stepEnded" && change.result.kind === "failed";
    return count.started <= PRINTED_STEPS || hasFailed;
  };

  return (change) => {
    const withTime = (/** @type {string} */ text) =>
      `${duration(change.at - beganAt).padStart(8)}  ${change.run}: ${text}`;
    if (change.type === "runStarted" || change.type === "runRestarted")
      steps.delete(change.run);
    if (!("step" in change)) return withTime(describe(change));
    if (isPrinted(change)) return withTime(describe(change));
    const { started = 0, ended = 0 } = steps.get(change.run) ?? {};
    return change.type === "stepEnded" && ended % COUNTED_STEPS === 0
      ? withTime(`${ended} steps ended, ${started} started`)
      : undefined;
  };
}

/** @param {Change} change */
function describe(change) {
  switch (change.type) {
    case "runStarted":
      return `started (${change.note})${change.command && `\n${" ".repeat(12)}$ ${change.command}`}`;
    case "runRestarted":
      return "restarted";
    case "runEnded":
      return `${outcome(change)} (took ${duration(change.tookMs)})${change.asExpected ? "" : ", which was not expected"}`;
    case "command":
      return `$ ${change.command}`;
    case "stepStarted":
      return `step ${change.step} ${change.name}: ${started(change.kind)}`;
    case "stepAttempt":
      return `step ${change.step} ${change.name}: attempt ${change.attempt} of ${change.maxAttempts}`;
    case "stepEnded":
      return `step ${change.step} ${change.name}: ${stepOutcome(change.result)} (took ${duration(change.tookMs)})`;
  }
}

/** @param {Step["kind"]} kind */
const started = (kind) =>
  kind === "event" || kind === "sleep"
    ? activity(/** @type {Step} */ ({ kind }))
    : "started";
