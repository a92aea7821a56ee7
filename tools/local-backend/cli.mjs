/**
 * `npm run convex -- <args>` runs the unmodified Convex CLI against the server of
 * `npm run dev:local`. `--app <folder>` before all other arguments selects the
 * app.
 */
import path from "node:path";
import { runConvexCli } from "../convexCli.mjs";
import { EXAMPLE } from "../paths.mjs";
import { findServer } from "./devState.mjs";
import { keepFile } from "./keepFile.mjs";

const { app, args } = appAndArgs(process.argv.slice(2));
const server = await findServer(app);
if (server) {
  process.exitCode = await runCli(server);
} else {
  console.error(
    "No local server of this app is running. Start one with `npm run dev:local` in another terminal.",
  );
  process.exitCode = 1;
}

async function runCli({ url, adminKey }) {
  const stop = new AbortController();
  // The terminal also sends the signal to the CLI, which may have work to finish.
  process.on("SIGINT", () => {});
  process.once("SIGTERM", () => stop.abort());
  const { code } = await keepFile(path.join(app, ".env.local"), () =>
    runConvexCli(args, {
      ...{ cwd: app, url, adminKey },
      ...{ stdio: "inherit", stop: stop.signal },
    }),
  );
  return code;
}

function appAndArgs(all) {
  const [first, folder, ...rest] = all;
  return first === "--app" && folder !== undefined
    ? { app: path.resolve(folder), args: rest }
    : { app: EXAMPLE, args: all };
}
