// @ts-check
/** One run of the demo. Starts it, reads it until it has ended, and applies keys to it. */
import { commandLine } from "./backend.mjs";
import { changesOf } from "./changes.mjs";
import { readerOf } from "./reading.mjs";

/** @import { WorkflowStatus } from "@convex-dev/workflow" */
/** @import { Call, Change, Run, Scenario, Step } from "./types.mjs" */

/** The time between two readings of a run. Slow readings are further apart, because they cost the engine time too. */
const LOOK_MS = { min: 80, max: 1000 };
const PAUSES_PER_LOOK = 3;

/**
 * @param {Scenario} scenario
 * @param {object} options
 * @param {Call} options.call
 * @param {(change: Change) => void} options.tell
 * @param {number} options.autoSendAfterMs how long a wait for an event may take before the demo sends it
 */
export function createRunner(scenario, { call, tell, autoSendAfterMs }) {
  const { label, note, start, answer } = scenario;
  /** @type {Run} */
  let run = { label, note, state: "queued", steps: [] };
  /** @type {ReturnType<typeof readerOf> | undefined} */
  let reader;
  /** Used until the first reading. @type {Pick<Run, "workflowId" | "command" | "startedAt"> | undefined} */
  let started;
  /** The time up to which the run has been read, while it is in progress. */
  let seenUntil = Infinity;
  /** The event step that was answered last. @type {string | undefined} */
  let answered;
  /** Whether a key was used on the run, so it may end differently. */
  let touched = false;
  /** @type {string | undefined} a run that took this one's place */
  let continuedBy;

  /** @param {Run} next */
  const change = (next) => {
    const changes = changesOf(run, next);
    run = next;
    for (const change of changes) tell(change);
  };

  /** @param {string} path @param {object} args @param {"demo" | "key"} by */
  const command = async (path, args, by) => {
    const line = commandLine(path, args);
    tell({ type: "command", at: Date.now(), run: label, command: line, by });
    await call(path, args);
  };

  const waitingStep = () =>
    run.state === "inProgress"
      ? run.steps.find(
          ({ id, kind, completedAt }) =>
            kind === "event" && completedAt === undefined && id !== answered,
        )
      : undefined;

  async function look() {
    if (!reader) return;
    const began = Date.now();
    const { status, steps } = await reader.read();
    const isOver = status.type !== "inProgress";
    const ended =
      run.endedAt ??
      (status.type === "canceled" ? Date.now() : endOf(run, steps));
    change({
      ...run,
      ...started,
      ...stateOf(status),
      steps,
      endedAt: isOver ? ended : undefined,
      asExpected: isOver
        ? isAsExpected(status, scenario.expected, touched)
        : undefined,
    });
    started = undefined;
    const waiting = answer && waitingStep();
    run.answer = waiting && answer.label;
    run.answersAt =
      waiting && answer.byItself !== false
        ? waiting.startedAt + autoSendAfterMs
        : undefined;
    continuedBy = isOver ? continuedRun(status) : undefined;
    seenUntil = isOver ? Infinity : began;
  }

  /** @param {"demo" | "key"} by */
  async function sendAnswer(by) {
    const step = waitingStep();
    if (!step || !answer || run.workflowId === undefined) return false;
    answered = step.id;
    if (by === "key") touched = true;
    const { path, args } = await answer.call(call, run.workflowId);
    await command(path, args, by);
    return true;
  }

  async function answerByItself() {
    const { answersAt = Infinity } = run;
    if (waitingStep() && Date.now() >= answersAt) await sendAnswer("demo");
  }

  return {
    isLarge: scenario.isLarge ?? false,
    get run() {
      return run;
    },
    /** The run that continues this one. */
    get continuedBy() {
      return continuedBy;
    },
    get seenUntil() {
      return seenUntil;
    },
    async start() {
      const startedAt = Date.now();
      seenUntil = startedAt;
      const workflowId = await call(start.path, start.args);
      this.follow(workflowId, startedAt, commandLine(start.path, start.args));
    },
    /** @param {string} workflowId @param {number} startedAt @param {string} [command] */
    follow(workflowId, startedAt, command) {
      reader = readerOf(call, scenario.name, workflowId);
      seenUntil = startedAt;
      started = { workflowId, command, startedAt };
      // A run that another one started may have steps already.
      if (command !== undefined)
        change({ ...run, state: "inProgress", ...started });
    },
    /** Describes the run that continues this one. */
    successor: () =>
      createRunner(
        {
          ...scenario,
          label: `${label} (goes on)`,
          note: "started by the run before it",
          expected: { type: "completed" },
        },
        { call, tell, autoSendAfterMs },
      ),
    /** Looks at it until it has ended. @param {AbortSignal} signal */
    async watch(signal) {
      while (!signal.aborted) {
        const began = performance.now();
        await look();
        if (run.endedAt !== undefined) return;
        await answerByItself();
        const tookMs = performance.now() - began;
        const pause = Math.min(
          LOOK_MS.max,
          Math.max(LOOK_MS.min, tookMs * PAUSES_PER_LOOK),
        );
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    },
    /** What should not happen: the backend refused a call. @param {unknown} error */
    fail(error) {
      const message = error instanceof Error ? error.message : String(error);
      seenUntil = Infinity;
      change({
        ...run,
        ...{ state: "failed", error: message, asExpected: false },
        ...{ workflowId: run.workflowId ?? "none", endedAt: Date.now() },
        startedAt: run.startedAt ?? Date.now(),
      });
    },
    /** @returns {Promise<boolean>} whether the run waited for an answer */
    answer: () => sendAnswer("key"),
    async cancel() {
      if (run.state !== "inProgress") return false;
      touched = true;
      await command(
        `${scenario.name}:cancel`,
        { workflowId: run.workflowId },
        "key",
      );
      return true;
    },
    async restart() {
      if (run.endedAt === undefined) return false;
      touched = true;
      answered = undefined;
      seenUntil = Date.now();
      await command(
        `${scenario.name}:restart`,
        {
          workflowId: run.workflowId,
          ...(scenario.restartArgs ?? { from: 0 }),
        },
        "key",
      );
      reader?.forget();
      change({
        ...run,
        ...{ state: "inProgress", steps: [], startedAt: Date.now() },
        ...{ endedAt: undefined, result: undefined, error: undefined },
        asExpected: undefined,
      });
      return true;
    },
  };
}

/** @typedef {ReturnType<typeof createRunner>} Runner */

/**
 * Returns the time at which a run ended, which is the end of its last step. Without such a step, it is now.
 *
 * @param {Run} run
 * @param {Step[]} steps
 */
function endOf({ startedAt = 0 }, steps) {
  const last = Math.max(0, ...steps.map((step) => step.completedAt ?? 0));
  return last > startedAt ? last : Date.now();
}

/**
 * @param {WorkflowStatus} status
 * @returns {Pick<Run, "state" | "result" | "error">}
 */
function stateOf(status) {
  switch (status.type) {
    case "completed":
      return { state: "completed", result: status.result };
    case "failed":
      return { state: "failed", error: status.error };
    default:
      return { state: status.type };
  }
}

/** @param {WorkflowStatus} status */
function continuedRun(status) {
  if (status.type !== "completed") return undefined;
  const result = /** @type {{ continuedBy?: string } | null} */ (status.result);
  return result?.continuedBy;
}

/**
 * @param {WorkflowStatus} status
 * @param {object} expected
 * @param {boolean} touched by keys: it may also be canceled, or complete otherwise
 */
export function isAsExpected(status, expected, touched) {
  if (touched && (status.type === "canceled" || status.type === "completed"))
    return true;
  return contains(status, expected);
}

/** @param {any} actual @param {any} expected @returns {boolean} */
function contains(actual, expected) {
  if (typeof expected !== "object" || expected === null)
    return Object.is(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(expected) && actual.length !== expected.length)
    return false;
  return Object.entries(expected).every(([key, value]) =>
    contains(actual[key], value),
  );
}
