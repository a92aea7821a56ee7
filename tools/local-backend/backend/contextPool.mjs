// @ts-check
/**
 * Reuses contexts where that is allowed, because creating one takes longer than most functions. Unlike on the
 * platform, modules keep their state.
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
