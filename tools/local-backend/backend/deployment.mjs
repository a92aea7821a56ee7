// @ts-check
/** A Convex deployment in this process. */
import os from "node:os";
import path from "node:path";
import { convexToJson } from "convex/values";
import {
  analyze,
  load,
  loadPush,
  nodeEntries,
  nodeModules,
} from "./analysis.mjs";
import { realClock } from "./clock.mjs";
import {
  ActionCrashed,
  dataOf,
  DeploymentClosed,
  FunctionError,
  messageOf,
  NotFoundError,
} from "./errors.mjs";
import { MAX_CODE_MS } from "./faults.mjs";
import { systemFunction } from "./functions.mjs";
import { Host } from "./host.mjs";
import { answerHttp } from "./httpActions.mjs";
import { cancelJob } from "./jobSyscalls.mjs";
import { JOBS_TABLE } from "./jobs.mjs";
import { notServed } from "./notServed.mjs";
import { analyzeInThread } from "./threads/analyzeInThread.mjs";

/** @import { Origin } from "./frames.mjs" */
/** @import { CallRequest, CallResponse, Deployment, DeploymentOptions } from "./types.mjs" */

/**
 * @param {DeploymentOptions} [options]
 * @returns {Deployment}
 */
export function createDeployment(options = {}) {
  const { faults = {}, seed = 0, clock = realClock, env = {}, print } = options;
  const {
    // If time is virtual, code is charged instead, so this machine's speed doesn't matter.
    codeTimeoutMs = clock === realClock ? MAX_CODE_MS : undefined,
    sharesContexts = () => false,
    threads = false,
    nodeFolder = path.join(os.tmpdir(), "convex-local-node"),
  } = options;
  const host = new Host({
    ...{ clock, seed, faults, env },
    ...{ codeTimeoutMs, sharesContexts, threads, nodeFolder },
  });
  if (print) host.logs.listen(print);
  /** @type {Set<string>} */
  let mounted = new Set();

  /** A push is analyzed when it starts and needed again when it finishes. @type {WeakMap<object, Promise<Analyzed>>} */
  const analyses = new WeakMap();
  const analyzed = (/** @type {object} */ push) => {
    const analysis = analyses.get(push) ?? analyzeFor(host, push);
    analyses.set(push, analysis);
    return analysis;
  };

  return {
    analyze: async (push) => (await analyzed(push)).reply,
    async deploy(push) {
      const code = threads ? await analyzed(push) : undefined;
      const { reply, functions, httpRouter, schemas } = await (code
        ? load(push, code.reply, code.nodeFolder)
        : loadPush(push));
      await host.store.changeSchemas(schemas);
      host.functions.replace(functions, httpRouter);
      host.threads?.renew();
      host.nodeThreads?.keepOnly(code?.nodeFolder);
      const before = mounted;
      mounted = new Set([...schemas.keys()].filter((path) => path !== ""));
      return {
        notServed: notServed(push, reply),
        componentPaths: [...mounted],
        addedComponents: [...mounted].filter((path) => !before.has(path)),
        removedComponents: [...before].filter((path) => !mounted.has(path)),
      };
    },
    call: (request) => host.track(answerCall(host, request)),
    onCommit(listener) {
      host.commitListeners.add(listener);
      return () => void host.commitListeners.delete(listener);
    },
    fetch: (request) => host.track(answerHttp(host, request)),
    setUrls: (urls) => host.environment.setUrls(urls),
    environment: () => host.environment.list(),
    changeEnvironment: (changes) => host.changeEnvironment(changes),
    onLog: (listener) => host.logs.listen(listener),
    functionsSpec: (componentPath = "") => host.functions.specs(componentPath),
    tables: (componentPath = "") => host.store.tables(componentPath),
    cancelScheduled: (componentPath = "", isChosen = () => true) =>
      host.track(cancelScheduled(host, componentPath, isChosen)),
    rows: (table, componentPath = "") => host.store.rows(componentPath, table),
    async insert(table, documents, componentPath = "") {
      /** @type {any[]} */
      const json = documents.map((document) => convexToJson(document));
      const ids = await host.store.insert(componentPath, table, json);
      const writes = new Set([`${componentPath}/${table}`]);
      for (const listener of host.commitListeners) listener(writes);
      return ids;
    },
    hazards: () => ({ ...host.faults.hits }),
    idle: () => host.activity.whenIdle(() => host.scheduler.isIdle),
    async close() {
      host.scheduler.close();
      host.actions.close();
      await host.threads?.close();
      await host.nodeThreads?.close();
      await host.store.close();
    },
  };
}

/**
 * Cancels scheduled functions as the dashboard does, one or all of a component.
 *
 * @param {Host} host
 * @param {string} componentPath
 * @param {() => boolean} isChosen
 */
async function cancelScheduled(host, componentPath, isChosen) {
  const { store, transactions, faults } = host;
  /** @type {any[]} */
  const jobs = await store.rows(componentPath, JOBS_TABLE);
  const active = jobs.filter(
    ({ state }) => ["pending", "inProgress"].includes(state.kind) && isChosen(),
  );
  await transactions.runBody(
    systemFunction(componentPath, "dashboard"),
    { origin: host.newOrigin({}), retries: "host" },
    async (frame) => {
      for (const { _id: id } of active) await cancelJob(frame, { id });
      return "null";
    },
  );
  for (const { state } of active) faults.hit(`${state.kind} canceled`);
}

/** @typedef {{ reply: any, nodeFolder?: string }} Analyzed */

/**
 * @param {Host} host
 * @param {any} push
 * @returns {Promise<Analyzed>}
 */
async function analyzeFor({ environment, nodeThreads }, push) {
  const env = environment.all();
  if (!nodeThreads)
    return { reply: await analyze(push, { env: (name) => env[name] }) };
  const reply = await analyzeInThread(push, env);
  const modules = nodeModules(push.appDefinition);
  if (modules.length === 0) return { reply };
  const nodeFolder = await nodeThreads.write(modules);
  for (const { path } of nodeEntries(push))
    reply.analysis[""].functions[path] = {
      functions: await nodeThreads.analyze(nodeFolder, path),
      ...{ httpRoutes: null, cronSpecs: null, sourceMapped: null },
    };
  return { reply, nodeFolder };
}

/**
 * @param {Host} host
 * @param {CallRequest} request
 * @returns {Promise<CallResponse>}
 */
async function answerCall(host, request) {
  const origin = host.newOrigin({ identity: request.caller.identity ?? null });
  const { logLines, reads } = origin;
  try {
    const value = JSON.parse(await run(host, request, origin));
    return { status: "success", value, logLines, reads };
  } catch (error) {
    const errorMessage = messageOf(error);
    const isMissing = error instanceof NotFoundError;
    const { componentPath = "", path } = request;
    if (!isMissing && !(error instanceof DeploymentClosed))
      host.logs.failed(origin, { componentPath, path }, errorMessage);
    const data = dataOf(error);
    return {
      status: "error",
      errorMessage,
      ...(data === undefined ? {} : { errorData: data }),
      logLines,
      reads,
      ...(isMissing ? { notFound: true } : {}),
    };
  }
}

/**
 * @param {Host} host
 * @param {CallRequest} request
 * @param {Origin} origin
 * @returns {Promise<string>}
 */
async function run(
  { functions, actions, transactions, faults },
  request,
  origin,
) {
  const target = functions.requested(request);
  const argsJson = JSON.stringify(request.args);
  if (target.kind === "action") {
    try {
      return await actions.run(target, argsJson, origin);
    } catch (error) {
      if (!(error instanceof ActionCrashed)) throw error;
      await faults.waitUntilCrashIsNoticed();
      throw connectionLost(target.kind);
    }
  }
  const onKilled = async () => {
    throw connectionLost(target.kind);
  };
  const result = await transactions.run(target, argsJson, {
    ...{ origin, onKilled },
    retries: "call",
  });
  if (target.kind === "mutation" && faults.losesReport())
    throw connectionLost(target.kind);
  return result;
}

/** @param {string} kind */
function connectionLost(kind) {
  return new FunctionError(`Connection lost while ${kind} was in flight`);
}
