// @ts-check
/** Evaluates the modules of a push. Their code can't harm the server. */
import { parentPort, workerData } from "node:worker_threads";
import { useCompiled } from "../../../bundleModules.mjs";
import { analyze } from "../analysis.mjs";

/** @import { AnalysisMessage } from "./analyzeInThread.mjs" */

const tell = (/** @type {AnalysisMessage} */ message) =>
  parentPort?.postMessage(message);
const { push, compiled, variables } = workerData;
useCompiled(compiled);

try {
  const analysis = await analyze(push, {
    env: (name) => variables[name],
    onModule: (evaluating) => tell({ evaluating }),
  });
  tell({ analysis });
} catch (error) {
  const { message, code } = /** @type {Error & { code?: unknown }} */ (error);
  tell({ error: { message, ...(code !== undefined && { code }) } });
}
