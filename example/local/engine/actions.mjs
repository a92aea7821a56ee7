// @ts-check
/** Runs actions: outside of transactions, with calls that overlap, timers and fetch. */
import { FunctionError } from "./errors.mjs";
import { actionSyscalls } from "./actionSyscalls.mjs";
import { answer, NEVER_SETTLED, resultOf, start } from "./execution.mjs";
import { checkValue } from "./limits.mjs";
import { validateArgs, validateReturns } from "./validation.mjs";

/** @import { Invocation } from "./execution.mjs" */
/** @import { Origin } from "./frames.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Host } from "./host.mjs" */

/**
 * @typedef {object} ActionFrame
 * @property {RunnableFunction} target
 * @property {Origin} origin
 * @property {object | null} identity
 * @property {ActionFrame | null} parent the action that waits for this one
 */

export class Actions {
  #host;
  #syscall;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
    this.#syscall = actionSyscalls(host);
  }

  /**
   * @param {RunnableFunction} target
   * @param {string} argsJson
   * @param {Origin} origin
   * @param {ActionFrame | null} [parent]
   * @returns {Promise<string>} the result as JSON
   */
  async run(target, argsJson, origin, parent = null) {
    checkValue("Arguments", argsJson);
    validateArgs(target.args, JSON.parse(argsJson));
    /** @type {ActionFrame} */
    const frame = { target, origin, identity: origin.identity, parent };
    const { clock, logs, random } = this.#host;
    const result = await settled({
      bundle: target.bundle,
      kind: "action",
      modulePath: target.modulePath,
      name: target.name,
      argsJson,
      now: () => clock.now(),
      random: random.fork().next,
      env: this.#host.envOf(target),
      print: (level, message) => logs.print(origin, target, level, message),
      syscall() {
        throw new FunctionError("Actions have no database");
      },
      asyncSyscall: async (name, args) =>
        JSON.stringify(await this.#syscall(frame, name, JSON.parse(args))),
    });
    checkValue("Return value", result);
    validateReturns(target.returns, JSON.parse(result));
    return result;
  }
}

/**
 * @param {Invocation} invocation
 * @returns {Promise<string>}
 */
function settled(invocation) {
  return new Promise((resolve, reject) => {
    /** @type {import("./execution.mjs").PendingCall[]} */
    const calls = [];
    let inFlight = 0;
    const run = start(invocation, (call) => calls.push(call));
    const goOn = () => {
      run.continue();
      const outcome = run.outcome();
      if (outcome) return resolve(resultOf(outcome));
      for (const call of calls.splice(0)) {
        inFlight++;
        answer(invocation, call)
          .then(() => {
            inFlight--;
            goOn();
          })
          .catch(reject);
      }
      if (inFlight === 0) throw new FunctionError(NEVER_SETTLED);
    };
    goOn();
  });
}
