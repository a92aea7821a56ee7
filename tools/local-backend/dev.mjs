/** `npm run dev:local`. See `USAGE` in devOptions.mjs. */
import { randomInt } from "node:crypto";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import {
  formatLogLine,
  howToCall,
  howToConnect,
  whatIsMissing,
} from "./devLog.mjs";
import { CONFIG_FILE, parseDevOptions, USAGE } from "./devOptions.mjs";
import { onNpmExit } from "./devParent.mjs";
import { servePage } from "./devPage.mjs";
import { push } from "./devPush.mjs";
import { findServer, removeState, saveState } from "./devState.mjs";
import { watchSources } from "./devWatch.mjs";
import { createDeployment } from "./backend/deployment.mjs";
import { coalesce } from "./server/coalesce.mjs";
import { startLocalServer } from "./server/localServer.mjs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** After the server is closed, remaining work doesn't keep the process alive. */
const LAST_MS = 1000;

// The reader may have closed the pipe, but the server still has to stop.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", () => {});

try {
  const options = parseDevOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await serve(options);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
setTimeout(() => process.exit(), LAST_MS).unref();

/** @param {import("./devOptions.mjs").DevOptions} options */
async function serve(options) {
  const { app, port, sitePort, pagePort, adminKey } = options;
  // Listens from the beginning, so that everything that has started stops in order.
  const stopped = whenToStop();
  const running = await findServer(app);
  if (running) {
    throw new Error(`This app has a local server already: ${running.url}`);
  }
  const deployment = createDeployment({
    // Ids of an earlier server must not exist in this one.
    seed: randomInt(2 ** 31),
    threads: true,
    nodeFolder: path.join(app, "node_modules/.cache/convex-local-node"),
  });
  deployment.onLog((line) => console.log(formatLogLine(line)));
  const server = await startLocalServer({
    ...{ deployment, port, sitePort, adminKey },
    onDeployed: tellOnce(({ notServed }) =>
      notServed.length === 0 ? "" : whatIsMissing(notServed),
    ),
  });
  const page = await servePage({ app, url: server.url, port: pagePort }).catch(
    async (error) => {
      await server.close();
      throw error;
    },
  );
  await saveState(app, server);
  console.log(howToConnect(server, app));

  const stop = new AbortController();
  const pushing = keepPushed({
    ...{ ...options, server, page, stop: stop.signal, deployment },
  });
  await stopped;
  console.log("\nStopping");
  stop.abort();
  await pushing;
  await page?.close();
  await server.close();
  await deployment.close();
  await removeState(app);
}

/** Settles at a signal, or when the parent process has exited. */
async function whenToStop() {
  let unwatch;
  await new Promise((resolve) => {
    for (const signal of SIGNALS) process.once(signal, resolve);
    unwatch = onNpmExit(resolve);
  });
  (await unwatch)();
}

/** Prints the text unless it is the same as before. */
function tellOnce(textOf) {
  let last = "";
  return (report) => {
    const text = textOf(report);
    if (text !== last && text !== "") console.log(text);
    last = text;
  };
}

/** Pushes at once and after every change, until it is stopped. */
async function keepPushed(options) {
  const { app, functions, server, page, typecheck, stop, deployment } = options;
  let wasPushed = false;
  let failed = false;
  const update = coalesce(async () => {
    if (stop.aborted) return;
    console.log("Pushing");
    try {
      await push({ app, server, typecheck, stop });
    } catch (error) {
      if (stop.aborted) return;
      failed = true;
      console.error(`${error.message}\n\nNot pushed. Waiting for a change`);
      return;
    }
    failed = false;
    console.log("Pushed");
    const spec = deployment.functionsSpec();
    if (!wasPushed)
      console.log(howToCall(server, { app, page, functions: spec }));
    wasPushed = true;
  });
  const sources = [
    ...[functions, path.join(app, CONFIG_FILE)],
    path.join(ROOT, "src"),
  ];
  const unwatch = await watchSources(sources, () => void update());
  // An environment variable was set, possibly the one that the push lacked.
  deployment.onCommit((writes) => {
    if (writes === undefined && failed) void update();
  });
  void update();
  await new Promise((resolve) => stop.addEventListener("abort", resolve));
  await unwatch();
  await update();
}
