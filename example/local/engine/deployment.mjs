// @ts-check
/** A Convex deployment in this process. */
import { Actions } from "./actions.mjs";
import { analyze, loadPush } from "./analysis.mjs";
import { realClock } from "./clock.mjs";
import { NotFoundError, dataOf, messageOf } from "./errors.mjs";
import { Faults } from "./faults.mjs";
import { FunctionTable } from "./functions.mjs";
import { Logs } from "./logs.mjs";
import { seededRandom } from "./random.mjs";
import { Scheduler } from "./scheduler.mjs";
import { Store } from "./store.mjs";
import { Transactions } from "./transactions.mjs";

/** @import { Frame, Origin } from "./frames.mjs" */
/** @import { Host } from "./host.mjs" */
/** @import { CallRequest, CallResponse, DeployReport, Deployment, DeploymentOptions } from "./types.mjs" */

/**
 * @param {DeploymentOptions} [options]
 * @returns {Deployment}
 */
export function createDeployment({
  faults = {},
  seed = 0,
  clock = realClock,
  env = {},
  print,
} = {}) {
  const random = seededRandom(seed);
  /** @type {Set<() => void>} */
  const commitListeners = new Set();
  const activity = createActivity();
  let requests = 0;

  const host = /** @type {Host} */ (
    /** @type {unknown} */ ({
      clock,
      random: random.fork(),
      faults: new Faults(faults),
      store: new Store(new Map([["", null]])),
      functions: new FunctionTable(),
      logs: new Logs(clock),
      envOf: environmentOf(env),
      newOrigin: (options) => ({
        requestId: `request-${++requests}`,
        identity: null,
        jobId: null,
        logLines: [],
        ...options,
      }),
      newTransaction: (origin) => ({
        origin,
        now: clock.now(),
        random: host.random.fork(),
        logs: [],
        budget: { codeMs: undefined, spend() {} },
      }),
      committed(root) {
        for (const job of root.jobs) host.scheduler.add(job);
        for (const key of root.canceledJobs) host.scheduler.cancel(key);
        for (const listener of commitListeners) listener();
      },
      track: activity.track,
    })
  );
  host.transactions = new Transactions(host);
  host.actions = new Actions(host);
  host.scheduler = new Scheduler(host);
  if (print) host.logs.listen(print);
  let mounted = new Set();

  return {
    analyze,
    async deploy(push) {
      const { functions, schemas } = await loadPush(push);
      await host.store.changeSchemas(schemas);
      host.functions.replace(functions);
      const before = mounted;
      mounted = new Set([...schemas.keys()].filter((path) => path !== ""));
      return {
        componentPaths: [...mounted],
        addedComponents: [...mounted].filter((path) => !before.has(path)),
        removedComponents: [...before].filter((path) => !mounted.has(path)),
      };
    },
    call: (request) => host.track(answerCall(host, request)),
    onCommit(listener) {
      commitListeners.add(listener);
      return () => void commitListeners.delete(listener);
    },
    onLog: (listener) => host.logs.listen(listener),
    functionsSpec: (componentPath = "") => host.functions.specs(componentPath),
    rows: (table, componentPath = "") => host.store.rows(componentPath, table),
    idle: () => activity.whenIdle(() => host.scheduler.isIdle),
    async close() {
      host.scheduler.close();
    },
  };
}

/**
 * @param {Host} host
 * @param {CallRequest} request
 * @returns {Promise<CallResponse>}
 */
async function answerCall(host, request) {
  const origin = host.newOrigin({ identity: request.caller.identity ?? null });
  try {
    const target = host.functions.requested(request);
    const argsJson = JSON.stringify(request.args);
    const run =
      target.kind === "action"
        ? host.actions.run(target, argsJson, origin)
        : host.transactions.run(target, argsJson, { origin });
    return {
      status: "success",
      value: JSON.parse(await run),
      logLines: origin.logLines,
    };
  } catch (error) {
    const data = dataOf(error);
    return {
      status: "error",
      errorMessage: messageOf(error),
      ...(data === undefined ? {} : { errorData: data }),
      logLines: origin.logLines,
      ...(error instanceof NotFoundError ? { notFound: true } : {}),
    };
  }
}

/**
 * Components have no environment variables.
 *
 * @param {Record<string, string>} env
 * @returns {Host["envOf"]}
 */
function environmentOf(env) {
  return ({ componentPath }) =>
    (name) =>
      componentPath === "" ? env[name] : undefined;
}

/** Knows whether anything goes on. */
function createActivity() {
  let running = 0;
  /** @type {Set<() => void>} */
  const waiting = new Set();
  const check = () => {
    for (const attempt of [...waiting]) attempt();
  };
  return {
    /**
     * @template T
     * @param {Promise<T>} work
     */
    async track(work) {
      running++;
      try {
        return await work;
      } finally {
        running--;
        // After whatever the work's own end starts.
        setImmediate(check);
      }
    },
    /** @param {() => boolean} isIdle */
    whenIdle: (isIdle) =>
      /** @type {Promise<void>} */ (
        new Promise((resolve) => {
          const attempt = () => {
            if (running > 0 || !isIdle()) return;
            waiting.delete(attempt);
            resolve();
          };
          waiting.add(attempt);
          attempt();
        })
      ),
  };
}
