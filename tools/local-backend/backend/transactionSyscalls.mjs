// @ts-check
/** The syscalls of queries and mutations. */
import { FunctionError } from "./errors.mjs";
import { cancelJob, scheduleJob } from "./jobSyscalls.mjs";
import {
  deploymentMetadata,
  functionMetadata,
  requestMetadata,
} from "./metadata.mjs";
import { insertOrReplace, patch } from "./writeSyscalls.mjs";

/** @import { Frame } from "./frames.mjs" */
/** @import { FunctionTable } from "./functions.mjs" */

/**
 * Receives the arguments as a value and as JSON, and returns JSON. So it can pass on
 * arguments without converting them.
 *
 * @typedef {(frame: Frame, args: any, argsJson: string) => string | Promise<string>} Handler
 */

/**
 * @param {FunctionTable} functions
 * @param {Handler} runNested
 */
export function transactionSyscalls(functions, runNested) {
  /** @type {Record<string, Handler>} */
  const reads = {
    "1.0/get": passOn("1.0/get"),
    "1.0/queryStreamNext": nextOfQuery,
    "1.0/queryPage": queryPage,
    "1.0/count": passOn("1.0/count"),
    "1.0/runUdf": runNested,
    "1.0/createFunctionHandle": asJson((frame, args) => {
      frame.store.usage.readRanges(1);
      return functions.handleOf(
        functions.resolve(args, frame.target.componentPath),
      );
    }),
    "1.0/getUserIdentity": asJson(
      ({ transaction }) => transaction.origin.identity,
    ),
    "1.0/getFunctionMetadata": asJson(({ target }) => functionMetadata(target)),
    "1.0/getRequestMetadata": asJson(({ target, transaction }) =>
      requestMetadata(transaction.origin, target),
    ),
    "1.0/getDeploymentMetadata": asJson(deploymentMetadata),
    "1.0/getTransactionMetrics": passOn("1.0/getTransactionMetrics"),
  };
  /** @type {Record<string, Handler>} */
  const writes = {
    "1.0/insert": insertOrReplace("1.0/insert"),
    "1.0/replace": insertOrReplace("1.0/replace"),
    "1.0/shallowMerge": patch,
    "1.0/remove": passOn("1.0/remove"),
    "1.0/schedule": asJson((frame, args) =>
      scheduleJob(functions, frame, args),
    ),
    "1.0/cancel_job": asJson(cancelJob),
  };
  return {
    /** @type {(frame: Frame, name: string, argsJson: string) => string} */
    sync(frame, name, argsJson) {
      const args = JSON.parse(argsJson);
      switch (name) {
        case "1.0/queryStream":
          // The first read starts the query, because it waits for earlier writes.
          return `{"queryId":${frame.queries.push({ query: args.query }) - 1}}`;
        case "1.0/queryCleanup":
          return "{}";
        default:
          return JSON.stringify(frame.store.syscall(name, args));
      }
    },
    /** @type {(frame: Frame, name: string, argsJson: string) => string | Promise<string>} */
    async(frame, name, argsJson) {
      frame.transaction.budget.spend("operation", frame.target);
      const isQuery = frame.target.kind === "query";
      const handle = reads[name] ?? (isQuery ? undefined : writes[name]);
      if (handle) return handle(frame, JSON.parse(argsJson), argsJson);
      throw new FunctionError(
        `"${name}" is not available in ${isQuery ? "queries" : "mutations"} here`,
      );
    },
  };
}

/**
 * @param {(frame: Frame, args: any) => unknown} handle
 * @returns {Handler}
 */
function asJson(handle) {
  return async (frame, args) => JSON.stringify(await handle(frame, args));
}

/**
 * @param {string} name
 * @returns {Handler}
 */
function passOn(name) {
  return ({ store }, _args, argsJson) => store.pass(name, argsJson);
}

/** @type {Handler} */
function nextOfQuery({ queries, store }, { queryId }) {
  const query = queries[queryId];
  if (!query) throw new FunctionError("Query is not running");
  query.id ??= store.syscall("1.0/queryStream", { query: query.query }).queryId;
  return store.pass("1.0/queryStreamNext", `{"queryId":${query.id}}`);
}

/**
 * Workpool 0.4.16 paginates when it logs its report, so it must be allowed to. Every
 * other component is refused, which proves that ours doesn't need it.
 *
 * @type {Handler}
 */
function queryPage({ target, store }, _args, argsJson) {
  const isWorkpool = target.definitionPath.includes("@convex-dev/workpool/");
  if (target.componentPath !== "" && !isWorkpool)
    throw new FunctionError(
      "paginate() is only supported in the app. Learn more at https://docs.convex.dev/components/authoring#pagination",
    );
  return store.pass("1.0/queryPage", argsJson);
}
