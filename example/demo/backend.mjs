// @ts-check
import { Worker } from "node:worker_threads";
import { exampleBundle } from "./bundle.mjs";

/** @import { CallResponse } from "../../tools/local-backend/backend/types.mjs" */
/** @import { Answer, Call, Question } from "./types.mjs" */

/**
 * Runs the example on the local backend's engine, with real bundles, a fresh context for each call, and
 * real time.
 */
export async function startBackend() {
  /** @type {string[]} */
  const warnings = [];
  /** @type {Map<number, (response: CallResponse) => void>} */
  const asked = new Map();
  let questions = 0;

  const engine = new Worker(new URL("engineThread.mjs", import.meta.url), {
    workerData: await exampleBundle(),
  });
  await new Promise((ready, failed) => {
    engine.once("error", failed);
    engine.on("message", (/** @type {Answer} */ answer) => {
      if ("isReady" in answer) {
        engine.off("error", failed);
        ready(undefined);
      } else if ("warning" in answer) warnings.push(answer.warning);
      else asked.get(answer.number)?.(answer.response);
    });
  });

  /** @type {Call} */
  const call = async (path, args) => {
    const number = questions++;
    /** @type {CallResponse} */
    const response = await new Promise((resolve) => {
      asked.set(number, resolve);
      /** @type {Question} */
      const question = { number, path, args };
      engine.postMessage(question);
    });
    asked.delete(number);
    if (response.status === "success") return response.value;
    throw new Error(response.errorMessage);
  };
  return { call, warnings };
}

/**
 * @param {string} path
 * @param {object} args
 */
export const commandLine = (path, args) =>
  `npx convex run ${path} '${JSON.stringify(args)}'`;
