import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { EXAMPLE } from "../tools/paths.mjs";

export const USAGE = `npm run dev:local -- [options]

Serves the example on this machine, without an account or a network, as
\`npx convex dev\` does with one: pushes it, watches for changes and pushes again.
The data is in memory: it outlives a push, and goes when the server stops.

  --port <number>     default: one that is free
  --site-port <number>
                      of HTTP actions; default: one that is free
  --app <folder>      the Convex app to serve; default: example
  --typecheck <mode>  enable, try or disable, as of \`npx convex dev\`; default: try
  --help              prints this
`;

/**
 * @param {string[]} args
 * @returns {{ port: number, sitePort: number, app: string, typecheck: string, help: boolean }}
 * @throws an error whose message is for whoever typed them
 */
export function parseDevOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "0" },
      "site-port": { type: "string", default: "0" },
      app: { type: "string", default: EXAMPLE },
      typecheck: { type: "string", default: "try" },
      help: { type: "boolean", default: false },
    },
  });
  return {
    ...values,
    port: parsePort("--port", values.port),
    sitePort: parsePort("--site-port", values["site-port"]),
    app: parseApp(values.app),
  };
}

function parseApp(folder) {
  const app = path.resolve(folder);
  if (existsSync(path.join(app, "convex"))) return app;
  throw new Error(
    `--app must be a folder with a Convex app, but ${app} has no convex/`,
  );
}

function parsePort(option, text) {
  const port = Number(text);
  const isPort = /^\d+$/.test(text) && port <= 65_535;
  if (!isPort)
    throw new Error(`${option} must be a number up to 65535, not "${text}"`);
  return port;
}
