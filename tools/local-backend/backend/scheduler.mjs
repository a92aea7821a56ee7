// @ts-check
/** Runs scheduled functions when they are due. */
import { CONFLICT_BACKOFF, delayAfter, SYSTEM_BACKOFF } from "./backoff.mjs";
import {
  ActionCrashed,
  Conflict,
  DeploymentClosed,
  FunctionError,
  messageOf,
  SystemError,
} from "./errors.mjs";
import { systemFunction } from "./functions.mjs";
import { jobKey, JOBS_TABLE } from "./jobs.mjs";

/** @import { Frame, Origin } from "./frames.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */
/** @import { Job } from "./jobs.mjs" */
/** @import { StoreTransaction } from "./store.mjs" */

/** @typedef {{ kind: "inProgress" | "success" } | { kind: "failed", error: string }} JobState */
/** @typedef {{ isCanceled: boolean }} Running */
/** @typedef {{ conflicts: number, systemErrors: number }} Failures after which a job was retried */

/** The state of an action that the platform lost. @type {JobState} */
const LOST_ACTION = {
  kind: "failed",
  error: "Transient error while executing action",
};

/** A job that was canceled while it waited for its transaction. */
class CalledOff extends Error {}

export class Scheduler {
  #host;
  /** @type {Map<string, { at: number, cancelTimer: () => void }>} jobs that are not due yet */
  #waiting = new Map();
  /** @type {Map<string, Job>} in the order in which they came due */
  #due = new Map();
  /** @type {Map<string, Running>} */
  #running = new Map();
  /** @type {WeakMap<Job, Failures>} */
  #failures = new WeakMap();

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  get isIdle() {
    if (this.#due.size > 0 || this.#running.size > 0) return false;
    const now = this.#host.clock.now();
    return [...this.#waiting.values()].every(({ at }) => at > now);
  }

  /** @param {Job} job that has been committed */
  add(job) {
    this.#runAt(job.at, job);
  }

  /**
   * @param {number} at
   * @param {Job} job
   */
  #runAt(at, job) {
    const { clock, faults } = this.#host;
    const key = jobKey(job.componentPath, job.id);
    const delay = Math.max(0, at - clock.now()) + faults.hopLatency();
    const cancelTimer = clock.setTimer(delay, () => {
      this.#waiting.delete(key);
      this.#due.set(key, job);
      this.#startDue();
      if (this.#due.has(key)) faults.hit("job queued");
    });
    this.#waiting.set(key, { at, cancelTimer });
  }

  /**
   * Retries a job later. Until then, it stays pending and frees its slot.
   *
   * @param {Job} job
   * @param {Error} error
   */
  #tryAgain(job, error) {
    const failures = this.#failures.get(job) ?? {
      conflicts: 0,
      systemErrors: 0,
    };
    this.#failures.set(job, failures);
    const delay =
      error instanceof SystemError
        ? delayAfter(SYSTEM_BACKOFF, failures.systemErrors++)
        : delayAfter(CONFLICT_BACKOFF, failures.conflicts++);
    this.#runAt(this.#host.clock.now() + delay, job);
  }

  /** @param {string} key of a job whose cancellation has been committed */
  cancel(key) {
    this.#waiting.get(key)?.cancelTimer();
    this.#waiting.delete(key);
    this.#due.delete(key);
    const running = this.#running.get(key);
    if (running) running.isCanceled = true;
  }

  close() {
    for (const { cancelTimer } of this.#waiting.values()) cancelTimer();
    this.#waiting.clear();
    this.#due.clear();
  }

  #startDue() {
    const { faults, track, activity } = this.#host;
    for (const [key, job] of this.#due) {
      if (this.#running.size >= faults.maxConcurrentJobs) return;
      this.#due.delete(key);
      const running = { isCanceled: false };
      this.#running.set(key, running);
      void track(this.#run(job, running)).finally(() => {
        this.#running.delete(key);
        this.#startDue();
        activity.tell();
      });
    }
  }

  /**
   * @param {Job} job
   * @param {Running} running
   */
  async #run(job, running) {
    const { functions, logs, track } = this.#host;
    const origin = this.#host.newOrigin({ job });
    const target = functions.find(job.target);
    try {
      if (!target)
        throw new FunctionError(
          `Could not find function for '${job.target.path}'`,
        );
      if (target.kind === "action") await this.#runAction(job, target, origin);
      else await this.#runMutation(job, target, origin, running);
    } catch (error) {
      if (error instanceof CalledOff || error instanceof DeploymentClosed)
        return;
      if (error instanceof Conflict || error instanceof SystemError)
        return void (running.isCanceled || this.#tryAgain(job, error));
      if (error instanceof ActionCrashed) {
        // Its slot is free at once, but its crash is noticed later.
        void track(this.#noticeCrash(job, origin));
        return;
      }
      const message = messageOf(error);
      if (target) logs.failed(origin, target, message);
      await this.#setState(job, origin, { kind: "failed", error: message });
    }
  }

  /**
   * Runs a mutation exactly once, because its state changes in its own transaction.
   *
   * @param {Job} job
   * @param {RunnableFunction} target
   * @param {Origin} origin
   * @param {Running} running
   */
  async #runMutation(job, target, origin, running) {
    await this.#host.transactions.run(target, job.argsJson, {
      origin,
      retries: "scheduled",
      before: async (frame) => {
        if (running.isCanceled) throw new CalledOff();
        if (this.#host.faults.refusesJob("mutation")) throw new SystemError();
        await writeStateWithin(frame, job, { kind: "inProgress" });
      },
      after: (frame) => writeStateWithin(frame, job, { kind: "success" }),
    });
  }

  /**
   * Starts an action at most once.
   *
   * @param {Job} job
   * @param {RunnableFunction} target
   * @param {Origin} origin
   */
  async #runAction(job, target, origin) {
    if (!(await this.#setState(job, origin, { kind: "inProgress" }))) return;
    if (this.#host.faults.refusesJob("action"))
      return void (await this.#setState(job, origin, LOST_ACTION));
    await this.#host.actions.run(target, job.argsJson, origin);
    await this.#setState(job, origin, { kind: "success" });
  }

  /**
   * @param {Job} job
   * @param {Origin} origin
   */
  async #noticeCrash(job, origin) {
    await this.#host.faults.waitUntilCrashIsNoticed();
    await this.#setState(job, origin, LOST_ACTION);
  }

  /**
   * @param {Job} job
   * @param {Origin} origin
   * @param {JobState} state
   * @returns {Promise<boolean>} false if it was canceled and stays so
   */
  async #setState(job, origin, state) {
    const place = systemFunction(job.componentPath, "scheduler");
    let isCanceled = false;
    await this.#host.transactions.runBody(
      place,
      { origin, retries: "host" },
      async ({ store, transaction }) => {
        const { id } = job;
        const row = await store.asyncSyscall("1.0/get", {
          id,
          table: JOBS_TABLE,
        });
        isCanceled = row.state.kind === "canceled";
        if (!isCanceled) await writeState(store, job, transaction.now, state);
        return "null";
      },
    );
    return !isCanceled;
  }
}

/**
 * Writes to the tables of the component that scheduled the job.
 *
 * @param {Frame} frame
 * @param {Job} job
 * @param {JobState} state
 */
function writeStateWithin({ store, transaction }, job, state) {
  return store.usage.uncounted(() =>
    store.nested("mutation", job.componentPath, undefined, (inner) =>
      writeState(inner, job, transaction.now, state),
    ),
  );
}

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
