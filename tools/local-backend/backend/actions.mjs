// @ts-check
/** Runs actions, which are outside transactions. If one crashes, so does everything that it waits for. */
import { actionSyscalls } from "./actionSyscalls.mjs";
import { ActionCrashed, DeploymentClosed, FunctionError } from "./errors.mjs";
import { runOutsideTransaction } from "./actionExecution.mjs";
import { atMost256Lines } from "./logs.mjs";
import { checkedValue } from "./limits.mjs";
import { validateArgs, validateReturns } from "./validation.mjs";

/** @import { Origin } from "./frames.mjs" */
/** @import { Invocation } from "./functionRun.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */

/**
 * @typedef {object} ActionFrame
 * @property {RunnableFunction} target
 * @property {Origin} origin
 * @property {object | null} identity
 * @property {ActionTree} tree
 */

/** A top-level action and the actions that it calls share one process. */
class ActionTree {
  hasCrashed = false;
  /** @type {(error: Error) => void} */
  #reject = () => {};
  /** Never resolves. @type {Promise<never>} */
  crashed = new Promise((_, reject) => {
    this.#reject = reject;
  });

  constructor() {
    this.crashed.catch(() => {});
  }

  /** Never resolves, so that nothing continues. */
  async crash(reason = new ActionCrashed("The action has crashed")) {
    this.hasCrashed = true;
    this.#reject(reason);
    return await this.crashed;
  }
}

export class Actions {
  #host;
  #syscall;
  /** @type {Set<ActionTree>} */
  #trees = new Set();

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
    this.#syscall = actionSyscalls(host);
  }

  /**
   * Runs an action for a client or the scheduler. Rejects with ActionCrashed if it crashes.
   *
   * @param {RunnableFunction} target
   * @param {string} argsJson
   * @param {Origin} origin
   * @returns {Promise<string>} the result as JSON
   */
  async run(target, argsJson, origin) {
    const tree = new ActionTree();
    this.#trees.add(tree);
    try {
      // A job waits for a permit without a time limit.
      const mayBeRefused = origin.job === null;
      const run = this.#runInTree(target, argsJson, origin, tree, mayBeRefused);
      return await Promise.race([run, tree.crashed]);
    } finally {
      this.#trees.delete(tree);
    }
  }

  /**
   * Runs an action for another action, which keeps its permit while it waits.
   *
   * @param {RunnableFunction} target
   * @param {string} argsJson
   * @param {Origin} origin
   * @param {ActionFrame} parent
   */
  runNested(target, argsJson, origin, parent) {
    return this.#runInTree(target, argsJson, origin, parent.tree, true);
  }

  close() {
    const reason = new DeploymentClosed("The deployment is closed");
    for (const tree of this.#trees) tree.crash(reason).catch(() => {});
  }

  /**
   * @param {RunnableFunction} target
   * @param {string} argsJson
   * @param {Origin} origin
   * @param {ActionTree} tree
   * @param {boolean} mayBeRefused
   */
  async #runInTree(target, argsJson, origin, tree, mayBeRefused) {
    validateArgs(target.args, checkedValue("Arguments", argsJson));
    return await this.#host.admission.run("action", mayBeRefused, () =>
      Promise.race([
        this.#execute(target, argsJson, origin, tree),
        tree.crashed,
      ]),
    );
  }

  /**
   * @param {RunnableFunction} target
   * @param {string} argsJson
   * @param {Origin} origin
   * @param {ActionTree} tree
   */
  async #execute(target, argsJson, origin, tree) {
    const { clock, faults, logs, random, startFunction } = this.#host;
    /** @type {ActionFrame} */
    const frame = { target, origin, identity: origin.identity, tree };
    const { bundle, modulePath, name, method, nodeFolder } = target;
    /** @type {Invocation} */
    const invocation = {
      ...{ bundle, modulePath, name, method, argsJson },
      kind: "action",
      now: () => clock.now(),
      random: random.fork().next,
      env: this.#host.envOf(target),
      print: atMost256Lines(
        (level, message) => {
          if (!tree.hasCrashed) logs.print(origin, target, level, message);
        },
        () => faults.hit("log overflow"),
      ),
      syscall() {
        throw new FunctionError("Actions have no database");
      },
      asyncSyscall: async (name, args) =>
        JSON.stringify(await this.#syscall(frame, name, JSON.parse(args))),
    };
    const { nodeThreads, environment } = this.#host;
    const result =
      nodeFolder !== undefined && nodeThreads
        ? await nodeThreads.run(
            { ...invocation, dir: nodeFolder, env: environment.all() },
            { clock, crashed: tree.crashed },
          )
        : await runOutsideTransaction(invocation, {
            ...{ clock, tree, start: startFunction },
          });
    validateReturns(target.returns, checkedValue("Return value", result));
    return result;
  }
}
