// @ts-check
/**
 * Promises that a function leaves rejected, and that nobody handles, must not end
 * this process, as Node would have it: they are the function's.
 */

/** @type {WeakMap<object, (reason: string) => void>} by the prototype of a context's promises */
const reports = new WeakMap();
let isListening = false;

/**
 * @param {object} promisePrototype of a context
 * @param {(reason: string) => void} report is given the reason as text
 */
export function reportUnhandledRejections(promisePrototype, report) {
  reports.set(promisePrototype, report);
  if (isListening) return;
  isListening = true;
  process.on("unhandledRejection", handle);
}

/**
 * @param {unknown} reason
 * @param {Promise<unknown>} promise
 */
function handle(reason, promise) {
  const report = reports.get(Object.getPrototypeOf(promise));
  if (report) report(String(reason));
  // Without this listener it would have ended the process.
  else if (process.listenerCount("unhandledRejection") === 1) throw reason;
}
