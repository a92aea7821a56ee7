// @ts-check
import { createDeployment } from "../local/engine/deployment.mjs";
import { exampleBundle } from "./bundle.mjs";

/** @import { Call } from "./types.mjs" */

/**
 * The example on the local deployment's engine, in this process: real bundles, a fresh context for
 * each call, and time as it is.
 */
export async function startBackend() {
  /** @type {string[]} */
  const warnings = [];
  const deployment = createDeployment({
    print: ({ level, message }) => {
      if (level === "WARN" || level === "ERROR") warnings.push(message);
    },
  });
  await deployment.deploy(await exampleBundle());
  /** @type {Call} */
  const call = async (path, args) => {
    const response = await deployment.call({
      ...{ path, args: /** @type {any} */ (args) },
      caller: { admin: true },
    });
    if (response.status === "success") return response.value;
    throw new Error(response.errorMessage);
  };
  return { call, warnings, close: () => deployment.close() };
}

/**
 * @param {string} path
 * @param {object} args
 */
export const commandLine = (path, args) =>
  `npx convex run ${path} '${JSON.stringify(args)}'`;
