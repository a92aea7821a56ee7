// @ts-check
/** Schedules and cancels jobs. Both take effect when the transaction commits. */
import { getConvexSize, jsonToConvex } from "convex/values";
import { FunctionError, messageOf } from "./errors.mjs";
import { jobKey, JOBS_TABLE } from "./jobs.mjs";
import { checkedValue } from "./limits.mjs";

/** @import { Frame } from "./frames.mjs" */
/** @import { FunctionTable } from "./functions.mjs" */

/**
 * @param {FunctionTable} functions
 * @param {Frame} frame
 * @param {any} args
 * @returns {Promise<string>} the job's id
 */
export async function scheduleJob(functions, frame, { args, ts, ...address }) {
  const { componentPath } = frame.target;
  if (address.functionHandle !== undefined) frame.store.usage.readRanges(1);
  const target = functions.resolve(address, componentPath);
  if (target.kind === "query")
    throw new FunctionError(
      `"${target.path}" is a query: it can't be scheduled`,
    );
  const argsJson = JSON.stringify(args);
  checkedValue("Arguments", argsJson);
  const argsBytes = getConvexSize(jsonToConvex(args));
  countJob(frame, argsBytes);
  const at = ts * 1000;
  const { store, transaction } = frame;
  const isCanceled = await belongsToCanceledJob(frame);
  const { _id: id } = await store.usage.uncounted(() =>
    store.asyncSyscall("1.0/insert", {
      table: JOBS_TABLE,
      value: {
        name: `${target.modulePath}:${target.name}`,
        args: [args],
        scheduledTime: at,
        ...(isCanceled
          ? { state: { kind: "canceled" }, completedTime: transaction.now }
          : { state: { kind: "pending" } }),
      },
    }),
  );
  frame.jobs.push({
    id,
    componentPath,
    target: { componentPath: target.componentPath, path: target.path },
    argsJson,
    argsBytes,
    at,
    isBornCanceled: isCanceled,
  });
  return id;
}

/**
 * If a scheduled function was canceled, everything that it or its calls schedule afterwards is born canceled.
 *
 * @param {Frame} frame
 */
async function belongsToCanceledJob({ store, transaction }) {
  const { job } = transaction.origin;
  if (!job) return false;
  let isCanceled = false;
  await store.usage.uncounted(() =>
    store.nested("query", job.componentPath, undefined, async (inner) => {
      const { id } = job;
      const row = await inner.asyncSyscall("1.0/get", {
        id,
        table: JOBS_TABLE,
      });
      isCanceled = row.state.kind === "canceled";
    }),
  );
  return isCanceled;
}

/**
 * @param {Frame} frame
 * @param {number} argsBytes of one more job
 */
function countJob({ store }, argsBytes) {
  try {
    store.usage.scheduleJob(argsBytes);
  } catch (error) {
    const [, limit] = /limit: (\d+)/.exec(messageOf(error)) ?? [];
    throw new FunctionError(
      /bytes/.test(messageOf(error))
        ? `Too large total size of the arguments of scheduled functions from this mutation (limit: ${limit} bytes)`
        : `Too many functions scheduled by this mutation (limit: ${limit})`,
    );
  }
}

/**
 * Has no effect on a job that has ended. A running job continues.
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
    await store.usage.uncounted(() =>
      store.asyncSyscall("1.0/shallowMerge", { id, table: JOBS_TABLE, value }),
    );
    frame.canceledJobs.push(jobKey(target.componentPath, id));
  }
  return {};
}
