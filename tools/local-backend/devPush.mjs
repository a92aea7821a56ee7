import path from "node:path";
import { runConvexCli } from "../convexCli.mjs";
import { run } from "../run.mjs";
import { ROOT } from "../paths.mjs";
import { buildIfNeeded } from "./devBuild.mjs";
import { keepFile } from "./keepFile.mjs";

/**
 * Pushes an app to a local server with the unmodified Convex CLI and the package
 * in its published form.
 *
 * @param {object} options
 * @param {string} options.app
 * @param {import("./devState.mjs").LocalServer} options.server
 * @param {string} options.typecheck
 * @param {AbortSignal} options.stop ends what runs
 * @throws an error with the failed command's output as its message
 */
export async function push({ app, server, typecheck, stop }) {
  await buildIfNeeded(() =>
    mustSucceed(stop, () =>
      run("npm", ["run", "--silent", "build"], { cwd: ROOT, stop }),
    ),
  );
  // The CLI saves the deployment that it pushed to in this file, but the file may
  // name a real deployment.
  await keepFile(path.join(app, ".env.local"), () =>
    mustSucceed(stop, () =>
      runConvexCli(["dev", "--once", "--typecheck", typecheck], {
        ...{ cwd: app, stop },
        ...{ url: server.url, adminKey: server.adminKey },
      }),
    ),
  );
}

async function mustSucceed(stop, start) {
  stop.throwIfAborted();
  const { code, output } = await start();
  if (code !== 0) throw new Error(output.trim());
}
