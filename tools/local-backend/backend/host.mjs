// @ts-check
/** Connects the parts of a deployment. */
import { Actions } from "./actions.mjs";
import { Activity } from "./activity.mjs";
import { Admission } from "./admission.mjs";
import { Environment } from "./environment.mjs";
import { Faults } from "./faults.mjs";
import { startFunction } from "./functionRun.mjs";
import { FunctionTable } from "./functions.mjs";
import { atMost256Lines, Logs } from "./logs.mjs";
import { seededRandom } from "./random.mjs";
import { Scheduler } from "./scheduler.mjs";
import { Store } from "./store.mjs";
import { FunctionThreads } from "./threads/functionThreads.mjs";
import { NodeThreads } from "./threads/nodeThreads.mjs";
import { Transactions } from "./transactions.mjs";
import { WriteRate } from "./writeRate.mjs";

/** @import { Frame, Origin, Transaction, TransactionLog } from "./frames.mjs" */
/** @import { StartFunction } from "./functionRun.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Clock, Deployment, DeploymentOptions, EnvironmentChange } from "./types.mjs" */

export class Host {
  /** @type {Clock} */
  clock;
  faults;
  store = new Store(new Map([["", null]]));
  functions = new FunctionTable();
  logs;
  activity = new Activity();
  admission;
  writeRate;
  transactions;
  actions;
  scheduler;
  /** The source of random numbers that functions see. */
  random;
  /** @type {Set<Parameters<Deployment["onCommit"]>[0]>} */
  commitListeners = new Set();
  environment;
  /** @type {FunctionThreads | undefined} */
  threads;
  /** @type {NodeThreads | undefined} */
  nodeThreads;
  /** @type {StartFunction} */
  startFunction;
  #codeTimeoutMs;
  #requests = 0;

  /** @param {Required<Pick<DeploymentOptions, "clock" | "seed" | "faults" | "env" | "sharesContexts" | "threads" | "nodeFolder">> & Pick<DeploymentOptions, "codeTimeoutMs">} options */
  constructor({
    clock,
    seed,
    faults,
    env,
    sharesContexts,
    codeTimeoutMs,
    threads,
    nodeFolder,
  }) {
    const random = seededRandom(seed);
    this.clock = clock;
    this.random = random.fork();
    this.faults = new Faults(faults, random.fork(), clock);
    this.admission = new Admission(this.faults, clock);
    this.writeRate = new WriteRate(this.faults, clock);
    this.logs = new Logs(clock);
    this.sharesContexts = sharesContexts;
    this.environment = new Environment(env);
    this.#codeTimeoutMs = codeTimeoutMs;
    this.threads = threads ? new FunctionThreads() : undefined;
    this.nodeThreads = threads ? new NodeThreads(nodeFolder) : undefined;
    this.startFunction = this.threads?.start ?? startFunction;
    this.transactions = new Transactions(this);
    this.actions = new Actions(this);
    this.scheduler = new Scheduler(this);
  }

  track = this.activity.track;

  /**
   * @param {Partial<Origin>} options
   * @returns {Origin}
   */
  newOrigin(options) {
    return {
      requestId: `request-${++this.#requests}`,
      identity: null,
      job: null,
      logLines: [],
      reads: new Set(),
      ...options,
    };
  }

  /**
   * @param {Origin} origin
   * @returns {Transaction}
   */
  newTransaction(origin) {
    /** @type {TransactionLog[]} */
    const logs = [];
    return {
      origin,
      now: this.clock.now(),
      random: this.random.fork(),
      logs,
      print: atMost256Lines(
        (level, message, target) => logs.push({ level, target, message }),
        () => this.faults.hit("log overflow"),
      ),
      modules: new Set(),
      budget: this.#newBudget(),
    };
  }

  /** @returns {import("./frames.mjs").Budget} */
  #newBudget() {
    const maxCodeMs = this.#codeTimeoutMs;
    if (maxCodeMs === undefined) return this.faults.chargedBudget();
    return { codeMs: maxCodeMs, maxCodeMs, spend: () => {} };
  }

  /**
   * @param {Frame} root of a transaction
   * @param {Set<string>} writes as in Touched
   */
  committed({ jobs, canceledJobs }, writes) {
    for (const job of jobs)
      if (job.isBornCanceled) this.faults.hit("born canceled");
      else this.scheduler.add(job);
    for (const key of canceledJobs) this.scheduler.cancel(key);
    for (const listener of this.commitListeners) listener(writes);
  }

  /** @param {EnvironmentChange[]} changes */
  changeEnvironment(changes) {
    this.environment.change(changes);
    // Any function may have read a variable.
    for (const listener of this.commitListeners) listener();
  }

  /**
   * Components have no environment variables.
   *
   * @param {RunnableFunction} target
   * @returns {(name: string) => string | undefined}
   */
  envOf({ componentPath }) {
    return (name) =>
      componentPath === "" ? this.environment.get(name) : undefined;
  }
}
