// @ts-check
/** What queries and mutations may ask of their host. */
import { FunctionError } from "./errors.mjs";
import { checkDocument, checkDocumentSize } from "./limits.mjs";
import {
  deploymentMetadata,
  functionMetadata,
  requestMetadata,
} from "./metadata.mjs";
import { cancelJob, metricsWithJobs, scheduleJob } from "./jobSyscalls.mjs";

/** @import { Frame } from "./frames.mjs" */
/** @import { FunctionTable } from "./functions.mjs" */
/** @typedef {(frame: Frame, args: any) => Promise<any>} Handler takes and gives JSON */

/**
 * @param {FunctionTable} functions
 * @param {Handler} runNested
 */
export function transactionSyscalls(functions, runNested) {
  /** @type {Record<string, Handler>} */
  const reads = {
    "1.0/queryStreamNext": nextOfQuery,
    "1.0/queryPage": queryPage,
    "1.0/runUdf": runNested,
    "1.0/createFunctionHandle": async (frame, args) =>
      functions.handleOf(functions.resolve(args, frame.target.componentPath)),
    "1.0/getUserIdentity": async ({ identity }) => identity,
    "1.0/getFunctionMetadata": async ({ target }) => functionMetadata(target),
    "1.0/getRequestMetadata": async ({ target, transaction }) =>
      requestMetadata(transaction.origin, target),
    "1.0/getDeploymentMetadata": async () => deploymentMetadata(),
    "1.0/getTransactionMetrics": metricsWithJobs,
    "1.0/get": passOn("1.0/get"),
    "1.0/count": passOn("1.0/count"),
    "1.0/storageGetUrl": passOn("1.0/storageGetUrl"),
  };
  /** @type {Record<string, Handler>} */
  const writes = {
    "1.0/insert": write("1.0/insert"),
    "1.0/replace": write("1.0/replace"),
    "1.0/shallowMerge": write("1.0/shallowMerge"),
    "1.0/remove": passOn("1.0/remove"),
    "1.0/schedule": (frame, args) => scheduleJob(functions, frame, args),
    "1.0/cancel_job": cancelJob,
    "1.0/storageDelete": passOn("1.0/storageDelete"),
    "1.0/storageGenerateUploadUrl": passOn("1.0/storageGenerateUploadUrl"),
    "1.0/auditLog": passOn("1.0/auditLog"),
  };
  return {
    /** @type {(frame: Frame, name: string, args: any) => any} */
    sync(frame, name, args) {
      switch (name) {
        case "1.0/queryStream":
          // Begun by the first read, which waits for earlier writes.
          return { queryId: frame.queries.push({ query: args.query }) - 1 };
        case "1.0/queryCleanup":
          return {};
        default:
          return frame.store.syscall(name, args);
      }
    },
    /** @type {Handler extends (frame: infer F, args: infer A) => infer R ? (frame: F, name: string, args: A) => R : never} */
    async async(frame, name, args) {
      frame.transaction.budget.spend("operation", frame.target);
      const isQuery = frame.target.kind === "query";
      const handle = reads[name] ?? (isQuery ? undefined : writes[name]);
      if (handle) return await handle(frame, args);
      throw new FunctionError(
        `"${name}" is not available in ${isQuery ? "queries" : "mutations"} here`,
      );
    },
  };
}

/**
 * @param {string} name
 * @returns {Handler}
 */
function passOn(name) {
  return (frame, args) => frame.store.asyncSyscall(name, args);
}

/** @type {Handler} */
async function nextOfQuery({ queries, store }, { queryId }) {
  const query = queries[queryId];
  if (!query) throw new FunctionError("Query is not running");
  query.id ??= store.syscall("1.0/queryStream", { query: query.query }).queryId;
  return await store.asyncSyscall("1.0/queryStreamNext", { queryId: query.id });
}

/** @type {Handler} */
async function queryPage({ target, store }, args) {
  if (target.componentPath !== "")
    throw new FunctionError(
      "paginate() is only supported in the app. Learn more at https://docs.convex.dev/components/authoring#pagination",
    );
  return await store.asyncSyscall("1.0/queryPage", args);
}

/**
 * @param {string} name
 * @returns {Handler}
 */
function write(name) {
  return async (frame, args) => {
    checkDocument(args.value);
    const before = await bytesWritten(frame);
    const result = await frame.store.asyncSyscall(name, args);
    try {
      checkDocumentSize((await bytesWritten(frame)) - before);
    } catch (error) {
      // It is written already: what catches this must not keep it.
      frame.spoiled ??= /** @type {Error} */ (error);
      throw error;
    }
    return result;
  };
}

/** @param {Frame} frame */
async function bytesWritten({ store }) {
  const metrics = await store.asyncSyscall("1.0/getTransactionMetrics", {});
  return metrics.bytesWritten.used;
}
