/** `npm run dev:local`: see `USAGE` in devOptions.mjs. */
import { randomInt } from "node:crypto";
import path from "node:path";
import { ROOT } from "../tools/paths.mjs";
import { formatLogLine, howToCall } from "./devLog.mjs";
import { parseDevOptions, USAGE } from "./devOptions.mjs";
import { push } from "./devPush.mjs";
import { findServer, removeState, saveState } from "./devState.mjs";
import { watchSources } from "./devWatch.mjs";
import { createDeployment } from "./engine/deployment.mjs";
import { coalesce } from "./server/coalesce.mjs";
import { startLocalServer } from "./server/localServer.mjs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

try {
  const options = parseDevOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await serve(options);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function serve({ app, port, sitePort, typecheck }) {
  // From the beginning: whatever has started by then is stopped in order.
  const signal = firstSignal();
  const running = await findServer(app);
  if (running) {
    throw new Error(`This app has a local server already: ${running.url}`);
  }
  // Ids of an earlier server must not be found in this one.
  const deployment = createDeployment({
    seed: randomInt(2 ** 31),
    threads: true,
  });
  deployment.onLog((line) => console.log(formatLogLine(line)));
  const server = await startLocalServer({ deployment, port, sitePort });
  await saveState(app, server);

  const stop = new AbortController();
  const pushing = keepPushed({ app, server, typecheck, stop: stop.signal });
  await signal;
  console.log("\nStopping");
  stop.abort();
  await pushing;
  await server.close();
  await deployment.close();
  await removeState(app);
}

function firstSignal() {
  return new Promise((resolve) => {
    for (const signal of SIGNALS) process.once(signal, resolve);
  });
}

/** Pushes at once and after every change, until it is stopped. */
async function keepPushed({ app, server, typecheck, stop }) {
  let wasPushed = false;
  const update = coalesce(async () => {
    if (stop.aborted) return;
    console.log("Pushing");
    try {
      await push({ app, server, typecheck, stop });
    } catch (error) {
      if (stop.aborted) return;
      console.error(`${error.message}\n\nNot pushed. Waiting for a change`);
      return;
    }
    console.log("Pushed");
    if (!wasPushed) console.log(howToCall(server));
    wasPushed = true;
  });
  const sources = [path.join(app, "convex"), path.join(ROOT, "src")];
  const unwatch = await watchSources(sources, () => void update());
  void update();
  await new Promise((resolve) => stop.addEventListener("abort", resolve));
  await unwatch();
  await update();
}
