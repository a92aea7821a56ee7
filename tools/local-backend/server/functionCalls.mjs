import { randomBytes } from "node:crypto";

/**
 * @typedef {import("./authorization.mjs").Caller} Caller
 * @typedef {{
 *   kind?: "query" | "mutation" | "action",
 *   path: string,
 *   componentPath?: string | null,
 *   args?: unknown,
 *   caller: Caller,
 * }} FunctionCall
 */

/**
 * Calls functions for clients of the HTTP API and the sync protocol.
 *
 * @param {object} options
 * @param {Pick<import("../backend/types.mjs").Deployment, "call">} options.deployment
 * @param {Record<string, import("./systemFunctions.mjs").SystemQuery>} options.systemFunctions
 */
export function createFunctionCalls({ deployment, systemFunctions }) {
  /**
   * Never rejects.
   *
   * @param {FunctionCall} request
   */
  return async function call({ kind, path, componentPath, args, caller }) {
    const component = componentPath ?? "";
    const isSystem = path.startsWith("_system/");
    if (!caller.admin && (isSystem || component !== "")) {
      return failure(
        `Without the admin key, only the app's own functions can be called, not '${path}'${inComponent(component)}.`,
      );
    }
    try {
      if (isSystem)
        return await callSystem(systemFunctions, path, component, args);
      return await deployment.call({
        kind,
        path: canonicalPath(path),
        componentPath: component,
        args: argsObject(args),
        caller,
      });
    } catch (error) {
      console.error(error);
      return failure(`The local server failed: ${error.message}`);
    }
  };
}

/**
 * The error that a client gets. In a deployment, you find its id in the logs. Here it only keeps the format that
 * tools expect.
 */
export function describeFailure({ errorMessage }) {
  const requestId = randomBytes(8).toString("hex");
  return `[Request ID: ${requestId}] Server Error\n${errorMessage}`;
}

function inComponent(componentPath) {
  return componentPath === "" ? "" : ` of the component '${componentPath}'`;
}

async function callSystem(systemFunctions, path, componentPath, args) {
  const query = systemFunctions[canonicalPath(path)];
  if (!query) return failure(`'${path}' is not served by the local server.`);
  const value = await query(argsObject(args), componentPath);
  return { status: "success", value, logLines: [] };
}

function failure(errorMessage) {
  return { status: "error", errorMessage, logLines: [] };
}

/** Converts `module.js:function` or `module` to the form `module:function`. */
export function canonicalPath(path) {
  const separator = path.lastIndexOf(":");
  const [module, name] =
    separator === -1
      ? [path, "default"]
      : [path.slice(0, separator), path.slice(separator + 1)];
  return `${module.replace(/\.js$/, "")}:${name}`;
}

/** Clients send a list with one object. People who use curl send the object itself. */
function argsObject(args) {
  return (Array.isArray(args) ? args[0] : args) ?? {};
}
