// @ts-check
/**
 * Creates V8 contexts that look like a Convex function's. Their code runs only
 * on request.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import vm from "node:vm";
import { AsyncLocalStorage } from "node:async_hooks";
import { contextCode } from "./globalsCode.mjs";
import { reportUnhandledRejections } from "./unhandledRejections.mjs";
import { webHost } from "./webHost.mjs";
import { installWebStreams } from "./webStreams.mjs";

/** @import { Bundle } from "./bundle.mjs" */
/** @typedef {import("../../../src/client/environment/testing/platformGlobals.js").RawHost} RawHost */
/** @typedef {Omit<RawHost, "position" | "web" | "asyncContext">} FunctionHost */

/**
 * The host of `context/runner.js`, in addition to the globals' host.
 *
 * @typedef {object} RunnerHost
 * @property {(succeeded: boolean, json: string) => void} settle
 * @property {boolean} allowsDynamicImport
 * @property {(reason: string) => void} unhandledRejection called after the fact
 */

/**
 * @typedef {object} FunctionContext
 * @property {(modulePath: string, name: string, method: string, argsJson: string) => void} invoke
 *   takes effect when microtasks run next
 * @property {() => void} runMicrotasks runs microtasks until none is left
 * @property {(host: FunctionHost & RunnerHost) => void} changeHost switches to the host of
 *   another function, which must have the same members
 */

const RUNNER_URL = new URL("./context/runner.js", import.meta.url);

const installGlobals = new vm.Script(contextCode().globals, {
  filename: "convex:/_system/globals.js",
});
const createRunner = new vm.Script(readFileSync(RUNNER_URL, "utf8"), {
  filename: "convex:/_system/runner.js",
});
const nothing = new vm.Script("0");
const promisePrototype = new vm.Script("Promise.prototype");

/**
 * Creates a context without Node globals or objects from other realms. It can't evaluate
 * strings.
 *
 * @param {Bundle} bundle
 * @param {FunctionHost & RunnerHost} host
 * @returns {FunctionContext}
 */
export function createFunctionContext({ scripts, position }, host) {
  const context = createBareContext();
  const current = { ...host, position, web: webHost, asyncContext };
  installGlobals.runInContext(context)(current);
  const runner = createRunner.runInContext(context)(current, {
    resolve: (/** @type {string} */ from, /** @type {string} */ specifier) =>
      path.posix.join(path.posix.dirname(from), specifier),
    moduleFunction(/** @type {string} */ modulePath) {
      const script = scripts.get(modulePath);
      if (script) return script.runInContext(context);
      throw new Error(`"${modulePath}" is not in the bundle`);
    },
  });
  reportUnhandledRejections(promisePrototype.runInContext(context), (reason) =>
    current.unhandledRejection(reason),
  );
  return {
    invoke: runner.invoke,
    runMicrotasks() {
      // Any script empties the queue when it ends.
      nothing.runInContext(context);
    },
    changeHost: (next) => void Object.assign(current, next),
  };
}

/**
 * Creates the context that evaluates modules at a push. It has the globals, but no host.
 *
 * @param {(name: string) => string | undefined} [env]
 */
export function createAnalysisContext(env = () => undefined) {
  const context = createBareContext();
  const unavailable = () => {
    throw new Error("Can't use the database while a module is evaluated");
  };
  installGlobals.runInContext(context)({
    now: () => 1_700_000_000_000,
    random: () => 0.5,
    env,
    print: () => {},
    fatal(/** @type {string} */ message) {
      throw new Error(message);
    },
    syscall: unavailable,
    asyncSyscall: unavailable,
    web: webHost,
    asyncContext,
  });
  return context;
}

function asyncContext() {
  const storage = new AsyncLocalStorage();
  return {
    run: (
      /** @type {unknown} */ store,
      /** @type {() => unknown} */ callback,
    ) => storage.run(store, callback),
    get: () => storage.getStore(),
  };
}

function createBareContext() {
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: false },
    // The context has its own queue, which is emptied only when a script runs.
    microtaskMode: "afterEvaluate",
  });
  installWebStreams(context);
  return context;
}
