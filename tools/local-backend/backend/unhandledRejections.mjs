// @ts-check
/** A function's unhandled rejections must not end this process, as they would in Node. They belong to the function. */

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

/** The reason of a promise that is rejected after all others. */
const LAST = Symbol("last");
/** @type {(() => void)[]} */
const waiting = [];

/** Resolves when all current rejections without a handler have been reported. @returns {Promise<void>} */
export function rejectionsReported() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    // Node reports them in the order in which they were rejected.
    void Promise.reject(LAST);
  });
}

/**
 * @param {unknown} reason
 * @param {Promise<unknown>} promise
 */
function handle(reason, promise) {
  if (reason === LAST) return waiting.shift()?.();
  const report = reportOf(promise);
  if (report) report(String(reason));
  // Without this listener, it would have ended the process.
  else if (process.listenerCount("unhandledRejection") === 1) throw reason;
}

/** @param {object} promise whose class may extend that of its context */
function reportOf(promise) {
  /** @type {object | null} */
  let prototype = promise;
  while (prototype && !reports.has(prototype))
    prototype = Object.getPrototypeOf(prototype);
  return prototype ? reports.get(prototype) : undefined;
}
