// @ts-check
/** Runs one function in its own context, and connects it to its host. */
import {
  FunctionError,
  TransactionAborted,
  dataOf,
  isCatchable,
  messageOf,
  timedOut,
} from "./errors.mjs";
import { giveBackContext, takeContext } from "./contextPool.mjs";
import { createFunctionContext } from "./functionContext.mjs";
import { rejectionsReported } from "./unhandledRejections.mjs";

/** @import { Bundle } from "./bundle.mjs" */
/** @import { Budget } from "./frames.mjs" */
/** @import { FunctionKind } from "./types.mjs" */
/** @typedef {import("../../../src/client/environment/testing/platformActions.js").ActionHost} ActionHost */

/**
 * @typedef {object} Invocation
 * @property {Bundle} bundle
 * @property {FunctionKind} kind
 * @property {string} modulePath with its extension
 * @property {string} name of the export
 * @property {string} method of the export, or "invokeHttp"
 * @property {string} argsJson the arguments object as JSON
 * @property {() => number} now
 * @property {() => number} random
 * @property {(name: string) => string | undefined} env
 * @property {(level: string, message: string) => void} print
 * @property {(name: string, argsJson: string) => string} syscall
 * @property {(name: string, argsJson: string) => string | Promise<string>} asyncSyscall
 * @property {boolean} [sharesContexts] whether functions of its bundle share contexts
 * @property {Pick<Budget, "codeMs" | "maxCodeMs" | "chargedMs">} [budget] the ms left for the code of its transaction
 */

/** The platform's error for a function that waits for nothing. */
export const NEVER_SETTLED =
  "Uncaught Error: The function awaits a promise that nothing is left to settle\n";

/**
 * @typedef {object} PendingCall
 * @property {string} name
 * @property {string} argsJson
 * @property {(error: string | undefined, result: string, data?: string) => void} reply
 */

/** @typedef {{ succeeded: boolean, json: string }} Outcome */

/**
 * A started function.
 *
 * @typedef {object} FunctionRun
 * @property {() => Promise<void>} continue runs its code until it waits for
 *   the host. Throws errors that end it uncatchably
 * @property {() => Outcome | undefined} outcome
 * @property {(nothingIsLeft: boolean) => void} end frees its resources. Its code never runs again
 */

/** @typedef {(invocation: Invocation, onCall: (call: PendingCall) => void, action?: ActionHost) => FunctionRun} StartFunction */

/**
 * Starts a function in this thread. Nothing can stop its code while it runs.
 *
 * @type {StartFunction} `action` has timers and `fetch`
 */
export function startFunction(invocation, onCall, action) {
  /** @type {Outcome | undefined} */
  let outcome;
  /** @type {Error | undefined} */
  let ended;
  const { bundle } = invocation;
  const create = invocation.sharesContexts
    ? takeContext
    : createFunctionContext;
  const context = create(bundle, {
    now: invocation.now,
    elapsed: elapsedOf(invocation),
    random: invocation.random,
    env: invocation.env,
    print: invocation.print,
    syscall: (name, argsJson) => {
      if (ended) throw ended;
      return invocation.syscall(name, argsJson);
    },
    asyncSyscall: (name, argsJson, reply) => onCall({ name, argsJson, reply }),
    action,
    fatal: (message) => {
      ended ??= new FunctionError(`Uncaught Error: ${message}\n`);
    },
    settle: (succeeded, json) => {
      outcome ??= { succeeded, json };
    },
    unhandledRejection(reason) {
      ended ??= new FunctionError(`Uncaught ${reason}\n`);
      invocation.print("ERROR", `Unhandled promise rejection: ${reason}`);
    },
    allowsDynamicImport: invocation.kind === "action",
  });
  const { modulePath, name, method, argsJson } = invocation;
  context.invoke(modulePath, name, method, `[${argsJson}]`);
  return {
    async continue() {
      runCode(context, invocation);
      // A rejected promise that has no handler at this point ends the function.
      await rejectionsReported();
      if (ended) throw ended;
    },
    outcome: () => outcome,
    end(nothingIsLeft) {
      if (nothingIsLeft && invocation.sharesContexts)
        giveBackContext(bundle, context);
    },
  };
}

/**
 * Returns the clock of `performance.now()`, which stands still in queries and advances in mutations.
 *
 * @param {Invocation} invocation
 * @returns {() => number}
 */
function elapsedOf({ kind, now, budget }) {
  if (kind === "query") return () => 0;
  const isCharged = budget?.chargedMs !== undefined;
  const clock =
    kind === "action"
      ? now
      : isCharged
        ? () => budget.chargedMs ?? 0
        : () => performance.now();
  const began = clock();
  return () => Math.round((clock() - began) * 10) / 10;
}

/**
 * Checks the time only after the code has run, because vm's own timeout may abort Node 20: it leaves
 * async hooks out of balance. A deployment with threads stops the thread.
 *
 * @param {import("./functionContext.mjs").FunctionContext} context
 * @param {Invocation} invocation
 */
function runCode(context, { budget }) {
  if (!budget || budget.codeMs === undefined) return context.runMicrotasks();
  // Measures CPU time, so that a busy machine makes no difference.
  const before = process.cpuUsage();
  context.runMicrotasks();
  budget.codeMs -= process.cpuUsage(before).user / 1000;
  if (budget.codeMs < 0)
    throw new TransactionAborted(timedOut(budget.maxCodeMs));
}

/**
 * @param {Pick<Invocation, "asyncSyscall">} invocation
 * @param {PendingCall} call
 */
export async function answer(invocation, { name, argsJson, reply }) {
  let result;
  try {
    result = await invocation.asyncSyscall(name, argsJson);
  } catch (error) {
    if (!isCatchable(error)) throw error;
    const data = dataOf(error);
    const json = data === undefined ? undefined : JSON.stringify(data);
    return reply(messageOf(error), "", json);
  }
  reply(undefined, result);
}

/** @param {Outcome} outcome */
export function resultOf({ succeeded, json }) {
  if (succeeded) return json;
  const { message, frames, data } = JSON.parse(json);
  throw new FunctionError(
    frames === "" ? `${message}\n` : `${message}\n${frames}\n`,
    data === undefined ? undefined : JSON.parse(data),
  );
}

/**
 * @param {Invocation} invocation
 * @param {PendingCall[]} calls
 */
export function warnOfUnawaited(invocation, calls) {
  const names = calls.map(({ name }) => name.replace("1.0/", "")).join(", ");
  const operations = calls.length === 1 ? "operation" : "operations";
  invocation.print(
    "WARN",
    `${calls.length} unawaited ${operations}: [${names}]. Async operations should be awaited or they might not run. See https://docs.convex.dev/functions/query-functions#async-operations for more information.`,
  );
}
