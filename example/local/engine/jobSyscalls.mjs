// @ts-check
/** Scheduling and canceling, which take effect when the transaction commits. */
import { getConvexSize, jsonToConvex } from "convex/values";
import { FunctionError } from "./errors.mjs";
import { scheduledJobs } from "./frames.mjs";
import { jobKey, JOBS_TABLE } from "./jobs.mjs";
import { checkedValue } from "./limits.mjs";

/** @import { Frame } from "./frames.mjs" */
/** @import { FunctionTable } from "./functions.mjs" */
/** @import { Job } from "./jobs.mjs" */

const MAX_JOBS = 1000;
const MAX_ARGS_BYTES = 16 << 20;

/**
 * @param {FunctionTable} functions
 * @param {Frame} frame
 * @param {any} args
 * @returns {Promise<string>} the job's id
 */
export async function scheduleJob(functions, frame, { args, ts, ...address }) {
  const { componentPath } = frame.target;
  const target = functions.resolve(address, componentPath);
  if (target.kind === "query")
    throw new FunctionError(
      `"${target.path}" is a query: it can't be scheduled`,
    );
  const argsJson = JSON.stringify(args);
  checkedValue("Arguments", argsJson);
  const argsBytes = getConvexSize(jsonToConvex(args));
  checkRoom(frame, argsBytes);
  const at = ts * 1000;
  const { _id: id } = await frame.store.asyncSyscall("1.0/insert", {
    table: JOBS_TABLE,
    value: {
      name: `${target.modulePath}:${target.name}`,
      args: [args],
      scheduledTime: at,
      state: { kind: "pending" },
    },
  });
  frame.jobs.push({
    id,
    componentPath,
    target: { componentPath: target.componentPath, path: target.path },
    argsJson,
    argsBytes,
    at,
  });
  return id;
}

/**
 * @param {Frame} frame
 * @param {number} bytes of one more job's arguments
 */
function checkRoom(frame, bytes) {
  const jobs = scheduledJobs(frame);
  if (jobs.length >= MAX_JOBS)
    throw new FunctionError(
      `Too many functions scheduled by this mutation (limit: ${MAX_JOBS})`,
    );
  if (totalBytes(jobs) + bytes > MAX_ARGS_BYTES)
    throw new FunctionError(
      `Too large total size of the arguments of scheduled functions from this mutation (limit: ${MAX_ARGS_BYTES} bytes)`,
    );
}

/** @param {Job[]} jobs */
function totalBytes(jobs) {
  return jobs.reduce((sum, { argsBytes }) => sum + argsBytes, 0);
}

/**
 * Of a job that has ended, it changes nothing. One that is running goes on.
 *
 * @param {Frame} frame
 * @param {{ id: string }} args
 */
export async function cancelJob(frame, { id }) {
  const { store, transaction, target } = frame;
  const job = await store.asyncSyscall("1.0/get", { id, table: JOBS_TABLE });
  if (job && ["pending", "inProgress"].includes(job.state.kind)) {
    const value = {
      state: { kind: "canceled" },
      completedTime: transaction.now,
    };
    await store.asyncSyscall("1.0/shallowMerge", {
      id,
      table: JOBS_TABLE,
      value,
    });
    frame.canceledJobs.push(jobKey(target.componentPath, id));
  }
  return {};
}

/**
 * convex-test counts a job's row as a document written; the platform counts it
 * as a function scheduled.
 *
 * @param {Frame} frame
 */
export async function metricsWithJobs(frame) {
  const metrics = await frame.store.asyncSyscall(
    "1.0/getTransactionMetrics",
    {},
  );
  const jobs = scheduledJobs(frame);
  const move = (/** @type {string} */ name, /** @type {number} */ amount) => {
    metrics[name].used += amount;
    metrics[name].remaining -= amount;
  };
  move("documentsWritten", -jobs.length);
  move("functionsScheduled", jobs.length);
  move("scheduledFunctionArgsBytes", totalBytes(jobs));
  return metrics;
}
