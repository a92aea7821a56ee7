import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { EXAMPLE } from "../paths.mjs";

/** The app's settings for the Convex CLI, including the folder of its functions. */
export const CONFIG_FILE = "convex.json";

export const USAGE = `npm run dev:local -- [options]

Serves the example on this machine, without an account or a network, as
\`npx convex dev\` does with one: pushes it, watches for changes and pushes again.
If the app has an index.html, serves that page too, with Vite.
The data is in memory: it outlives a push, and goes when the server stops.

  --port <number>     default: one that is free
  --site-port <number>
                      of HTTP actions; default: one that is free
  --page-port <number>
                      of the page; default: one that is free
  --admin-key <key>   default: CONVEX_SELF_HOSTED_ADMIN_KEY, or else a new one
  --app <folder>      the Convex app to serve; default: example
  --typecheck <mode>  enable, try or disable, as of \`npx convex dev\`; default: try
  --help              prints this
`;

/**
 * @typedef {object} DevOptions
 * @property {number} port
 * @property {number} sitePort
 * @property {number} pagePort
 * @property {string | undefined} adminKey
 * @property {string} app its folder
 * @property {string} functions the folder of its functions
 * @property {string} typecheck
 * @property {boolean} help
 */

/**
 * @param {string[]} args
 * @param {Record<string, string | undefined>} [env]
 * @returns {DevOptions}
 * @throws an error with a message for the user
 */
export function parseDevOptions(args, env = process.env) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "0" },
      "site-port": { type: "string", default: "0" },
      "page-port": { type: "string", default: "0" },
      "admin-key": { type: "string" },
      app: { type: "string", default: EXAMPLE },
      typecheck: { type: "string", default: "try" },
      help: { type: "boolean", default: false },
    },
  });
  const { typecheck, help } = values;
  const app = path.resolve(values.app);
  return {
    ...{ app, typecheck, help },
    functions: functionsFolder(app),
    port: parsePort("--port", values.port),
    sitePort: parsePort("--site-port", values["site-port"]),
    pagePort: parsePort("--page-port", values["page-port"]),
    adminKey:
      (values["admin-key"] ?? env.CONVEX_SELF_HOSTED_ADMIN_KEY) || undefined,
  };
}

function functionsFolder(app) {
  const { functions = "convex/" } = readConfig(path.join(app, CONFIG_FILE));
  const folder = path.join(app, functions);
  if (existsSync(folder)) return folder;
  throw new Error(
    `--app must be a folder with a Convex app, but ${app} has no ${functions}`,
  );
}

function readConfig(file) {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`Can't read ${file}: ${error.message}`, { cause: error });
  }
}

function parsePort(option, text) {
  const port = Number(text);
  const isPort = /^\d+$/.test(text) && port <= 65_535;
  if (!isPort)
    throw new Error(`${option} must be a number up to 65535, not "${text}"`);
  return port;
}
