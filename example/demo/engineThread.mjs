// @ts-check
/** The engine runs in its own thread, so it blocks neither the screen nor the keys. */
import { parentPort, workerData } from "node:worker_threads";
import { createDeployment } from "../../tools/local-backend/backend/deployment.mjs";

/** @import { Answer, Question } from "./types.mjs" */

const port = /** @type {import("node:worker_threads").MessagePort} */ (
  parentPort
);
const answer = (/** @type {Answer} */ message) => port.postMessage(message);

const deployment = createDeployment({
  print: ({ level, message }) => {
    if (level === "WARN" || level === "ERROR") answer({ warning: message });
  },
});
await deployment.deploy(workerData);

port.on("message", async (/** @type {Question} */ { number, path, args }) => {
  const response = await deployment.call({
    ...{ path, args: /** @type {any} */ (args) },
    caller: { admin: true },
  });
  answer({ number, response });
});
answer({ isReady: true });
