// @ts-check
/** Compares two readings of a run. */

/** @import { Change, Run, Step } from "./types.mjs" */

/**
 * @param {Run | undefined} before
 * @param {Run} after
 * @param {number} [now]
 * @returns {Change[]} in the order in which they happened
 */
export function changesOf(before, after, now = Date.now()) {
  /** @type {Change[]} */
  const found = [];
  const known = new Map(
    flat(before?.steps ?? []).map(({ step }) => [step.id, step]),
  );
  const run = after.label;
  for (const { step, path } of flat(after.steps))
    found.push(
      ...changesOfStep(known.get(step.id), step, { run, step: path, now }),
    );
  found.sort((a, b) => a.at - b.at);

  if (wasQueued(before) && after.workflowId !== undefined) {
    const { workflowId, command = "", note, startedAt = 0 } = after;
    // A run that another run started is noticed late.
    const at = Math.min(startedAt, found[0]?.at ?? startedAt);
    found.unshift({
      ...{ type: "runStarted", at, run },
      ...{ workflowId, command, note },
    });
  } else if (before?.endedAt !== undefined && after.state === "inProgress") {
    found.unshift({ type: "runRestarted", at: after.startedAt ?? 0, run });
  }
  if (after.endedAt !== undefined && before?.endedAt !== after.endedAt) {
    const { state, result, error, startedAt = 0, endedAt: at } = after;
    found.push({
      ...{ type: "runEnded", at, run, state, result, error },
      ...{ tookMs: at - startedAt, asExpected: after.asExpected === true },
    });
  }
  return found;
}

const wasQueued = (/** @type {Run | undefined} */ run) =>
  run?.workflowId === undefined;

/**
 * Returns all steps. The steps of a nested run follow their parent step.
 *
 * @param {Step[]} steps
 * @param {string} [prefix]
 * @param {number} [depth]
 * @returns {{ step: Step, path: string, depth: number }[]}
 */
export function flat(steps, prefix = "", depth = 0) {
  return steps.flatMap((step) => {
    const path = `${prefix}${step.number}`;
    return [{ step, path, depth }, ...flat(step.steps, `${path}.`, depth + 1)];
  });
}

/**
 * @param {Step | undefined} before
 * @param {Step} after
 * @param {{ run: string, step: string, now: number }} which
 * @returns {Iterable<Change>}
 */
function* changesOfStep(before, after, { run, step, now }) {
  const { name, kind, startedAt, completedAt, result } = after;
  const which = { run, step, name, kind };
  if (!before) yield { type: "stepStarted", at: startedAt, ...which };
  if (before?.completedAt !== undefined) return;
  const { attempt = 1, maxAttempts = 1 } = after;
  if (attempt > (before?.attempt ?? 1))
    yield {
      // The time of the failure is unknown, so it is reported when it is noticed.
      ...{ type: "stepAttempt", at: completedAt ?? now, ...which },
      ...{ attempt, maxAttempts },
    };
  if (completedAt !== undefined && result)
    yield {
      ...{ type: "stepEnded", at: completedAt, ...which, result },
      ...{ tookMs: completedAt - startedAt, attempt: after.attempt },
    };
}
