// @ts-check
/**
 * Contexts to be used again, where that is allowed: unlike the platform's, they
 * keep the state of their modules. That saves what making them takes, which is
 * more than most functions do.
 */
import { createFunctionContext } from "./functionContext.mjs";

/** @import { Bundle } from "./bundle.mjs" */
/** @import { FunctionContext, FunctionHost, RunnerHost } from "./functionContext.mjs" */

/** @type {WeakMap<Bundle, FunctionContext[]>} */
const idle = new WeakMap();

/**
 * @param {Bundle} bundle
 * @param {FunctionHost & RunnerHost} host
 * @returns {FunctionContext}
 */
export function takeContext(bundle, host) {
  const context = idle.get(bundle)?.pop();
  if (!context) return createFunctionContext(bundle, host);
  context.changeHost(host);
  return context;
}

/**
 * @param {Bundle} bundle
 * @param {FunctionContext} context in which nothing is left to happen
 */
export function giveBackContext(bundle, context) {
  const contexts = idle.get(bundle) ?? [];
  contexts.push(context);
  idle.set(bundle, contexts);
}
