// @ts-check
/** Runs scheduled functions when they are due. */
import { FunctionError, messageOf } from "./errors.mjs";
import { systemFunction } from "./host.mjs";
import { jobKey, JOBS_TABLE } from "./jobs.mjs";

/** @import { Origin } from "./frames.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */
/** @import { Job } from "./jobs.mjs" */
/** @import { StoreTransaction } from "./store.mjs" */

/** A job that was canceled while it waited for its transaction. */
class CalledOff extends Error {}

export class Scheduler {
  #host;
  /** @type {Map<string, { job: Job, cancelTimer: () => void }>} not due yet */
  #waiting = new Map();
  /** @type {Map<string, Job>} */
  #due = new Map();
  /** @type {Set<string>} keys of jobs that are running */
  #running = new Set();
  /** @type {Set<string>} keys of jobs canceled while running */
  #canceled = new Set();

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  get isIdle() {
    return this.#due.size === 0 && this.#running.size === 0;
  }

  /** @param {Job} job that has been committed */
  add(job) {
    const { clock, faults } = this.#host;
    const key = jobKey(job.componentPath, job.id);
    const delay = Math.max(0, job.at - clock.now()) + faults.hopLatency();
    const cancelTimer = clock.setTimer(delay, () => {
      this.#waiting.delete(key);
      this.#due.set(key, job);
      this.#startDue();
    });
    this.#waiting.set(key, { job, cancelTimer });
  }

  /** @param {string} key of a job whose cancellation has been committed */
  cancel(key) {
    this.#waiting.get(key)?.cancelTimer();
    this.#waiting.delete(key);
    this.#due.delete(key);
    if (this.#running.has(key)) this.#canceled.add(key);
  }

  close() {
    for (const { cancelTimer } of this.#waiting.values()) cancelTimer();
    this.#waiting.clear();
    this.#due.clear();
  }

  #startDue() {
    const { maxConcurrentJobs } = this.#host.faults;
    for (const [key, job] of this.#due) {
      if (this.#running.size >= maxConcurrentJobs) return;
      this.#due.delete(key);
      this.#running.add(key);
      this.#host.track(this.#run(key, job)).finally(() => {
        this.#running.delete(key);
        this.#canceled.delete(key);
        this.#startDue();
      });
    }
  }

  /**
   * @param {string} key
   * @param {Job} job
   */
  async #run(key, job) {
    const { functions, logs } = this.#host;
    const origin = this.#host.newOrigin({ jobId: job.id });
    const target = functions.find(job.target);
    try {
      if (!target)
        throw new FunctionError(
          `Could not find function for '${job.target.path}'`,
        );
      if (target.kind === "action") await this.#runAction(job, target, origin);
      else await this.#runMutation(key, job, target, origin);
    } catch (error) {
      if (error instanceof CalledOff) return;
      const message = messageOf(error);
      if (target) logs.print(origin, target, "error", message);
      if (this.#canceled.has(key)) return;
      await this.#setState(job, origin, { kind: "failed", error: message });
      return;
    }
    if (target.kind === "action" && !this.#canceled.has(key))
      await this.#setState(job, origin, { kind: "success" });
  }

  /**
   * Its state changes in its own transaction: it is done exactly once.
   *
   * @param {string} key
   * @param {Job} job
   * @param {RunnableFunction} target
   * @param {Origin} origin
   */
  async #runMutation(key, job, target, origin) {
    await this.#host.transactions.run(target, job.argsJson, {
      origin,
      before: async () => {
        if (this.#canceled.has(key)) throw new CalledOff();
      },
      after: (frame) =>
        // In the tables of the component that scheduled it.
        frame.store.nested("mutation", job.componentPath, undefined, (store) =>
          writeState(store, job, frame.transaction.now, { kind: "success" }),
        ),
    });
  }

  /**
   * It is started at most once.
   *
   * @param {Job} job
   * @param {RunnableFunction} target
   * @param {Origin} origin
   */
  async #runAction(job, target, origin) {
    await this.#setState(job, origin, { kind: "inProgress" });
    await this.#host.actions.run(target, job.argsJson, origin);
  }

  /**
   * @param {Job} job
   * @param {Origin} origin
   * @param {JobState} state
   */
  async #setState(job, origin, state) {
    const place = systemFunction(job.componentPath, "scheduler");
    await this.#host.transactions.runBody(place, { origin }, async (frame) => {
      await writeState(frame.store, job, frame.transaction.now, state);
      return "null";
    });
  }
}

/** @typedef {{ kind: "inProgress" | "success" } | { kind: "failed", error: string }} JobState */

/**
 * @param {StoreTransaction} store
 * @param {Job} job
 * @param {number} now
 * @param {JobState} state
 */
async function writeState(store, { id }, now, state) {
  const completedTime =
    state.kind === "inProgress" ? {} : { completedTime: now };
  await store.asyncSyscall("1.0/shallowMerge", {
    id,
    table: JOBS_TABLE,
    value: { state, ...completedTime },
  });
}
