// @ts-check
import { Worker } from "node:worker_threads";
import { compileForThread } from "../../../bundleModules.mjs";
import { contextCode } from "../globalsCode.mjs";
import { afterCodeTime } from "./codeTime.mjs";

/** @typedef {{ evaluating: string } | { analysis: any } | { error: { message: string, code?: unknown } }} AnalysisMessage */

/** The time limit for evaluating one module, which no reasonable module reaches. */
const MAX_MODULE_MS = 3000;

/**
 * Returns the same reply to `start_push` as `analyze`. A module that never ends is an error.
 *
 * @param {any} push
 * @param {Record<string, string>} variables of the deployment's environment
 * @returns {Promise<any>}
 */
export async function analyzeInThread(push, variables) {
  const compiled = await compileForThread(modulesOf(push));
  contextCode();
  const worker = new Worker(new URL("analysisThread.mjs", import.meta.url), {
    workerData: { push, compiled, variables },
    execArgv: [],
  });
  const answer = new Promise((resolve, reject) => {
    let unwatch = () => {};
    worker
      .on("message", (/** @type {AnalysisMessage} */ message) => {
        unwatch();
        if ("analysis" in message) return resolve(message.analysis);
        if ("error" in message) {
          const { message: text, ...rest } = message.error;
          return reject(Object.assign(new Error(text), rest));
        }
        const { evaluating } = message;
        unwatch = afterCodeTime(MAX_MODULE_MS, () =>
          reject(
            new Error(
              `Failed to analyze ${evaluating}: evaluating the module takes more than ${MAX_MODULE_MS / 1000} seconds`,
            ),
          ),
        );
      })
      .on("error", reject)
      .on("exit", () => reject(new Error("The analysis ended early")));
  });
  return await answer.finally(() => worker.terminate());
}

/** @param {any} push */
function modulesOf({ appDefinition, componentDefinitions }) {
  return [appDefinition, ...componentDefinitions]
    .flatMap(({ definition, schema, functions, changedModules }) => [
      definition,
      ...(schema ? [schema] : []),
      ...(functions ?? changedModules),
    ])
    .filter(({ environment }) => environment === "isolate");
}
