import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { callerOf } from "./authorization.mjs";
import { Clock } from "./clock.mjs";
import { FirstPush } from "./firstPush.mjs";
import { functionApi } from "./functionApi.mjs";
import { createFunctionCalls } from "./functionCalls.mjs";
import { HttpError, readJson, send, sendError } from "./http.mjs";
import { infoApi } from "./infoApi.mjs";
import { LogStream } from "./logStream.mjs";
import { pushApi } from "./pushApi.mjs";
import { SyncServer } from "./syncServer.mjs";
import { createSystemFunctions } from "./systemFunctions.mjs";

/** Only this machine can connect. */
const HOST = "127.0.0.1";

/**
 * Serves a deployment to the Convex CLI and to Convex clients.
 *
 * @param {object} options
 * @param {import("../engine/types.mjs").Deployment} options.deployment
 * @param {number} [options.port] default: any that is free
 * @param {string} [options.adminKey] default: a new one
 * @returns {Promise<{ url: string, adminKey: string, instanceName: string, close: () => Promise<void> }>}
 * @throws if the port is taken
 */
export async function startLocalServer({
  deployment,
  port = 0,
  adminKey = randomBytes(16).toString("hex"),
}) {
  const server = http.createServer();
  // Clients would try connections to a server that has been restarted since.
  server.maxRequestsPerSocket = 1;
  await listen(server, port);
  const url = `http://${HOST}:${server.address().port}`;
  const instanceName = `local-${randomBytes(4).toString("hex")}`;

  const clock = new Clock();
  const logs = new LogStream(deployment);
  const systemFunctions = createSystemFunctions({ deployment, url });
  const call = createFunctionCalls({ deployment, systemFunctions });
  const firstPush = new FirstPush();
  const sync = new SyncServer({
    call: firstPush.waitingFor(call),
    ...{ clock, adminKey },
  });
  const dataChanged = () => {
    clock.tick();
    sync.dataChanged();
  };
  const onDeployed = () => {
    firstPush.finish();
    // Queries may have changed, if not their data.
    dataChanged();
  };
  const unsubscribe = [
    deployment.onCommit(dataChanged),
    deployment.onLog((line) => logs.add(line)),
  ];

  const routes = {
    ...infoApi({ instanceName, url }),
    ...functionApi({ call: firstPush.requiredFor(call), clock }),
    ...pushApi({ deployment, onDeployed }),
    ...logs.routes(),
  };
  server.on("request", (request, response) => {
    answer(request, routes, adminKey).then(
      (reply) => send(response, reply),
      (error) => sendError(response, error),
    );
  });
  server.on("upgrade", (...connection) => sync.upgrade(...connection));

  async function close() {
    for (const stop of unsubscribe) stop();
    const closed = once(server, "close");
    server.close();
    logs.close();
    await sync.close();
    server.closeAllConnections();
    await closed;
  }
  return { url, adminKey, instanceName, close };
}

async function listen(server, port) {
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(
      `Port ${port} is taken. Choose another with --port, or leave it out to get a free one.`,
      { cause: error },
    );
  }
}

async function answer(request, routes, adminKey) {
  if (request.method === "OPTIONS") return {};
  const url = new URL(request.url, `http://${HOST}`);
  const route = `${request.method} ${url.pathname}`;
  if (!Object.hasOwn(routes, route)) {
    throw new HttpError(
      400,
      "NotServedLocally",
      `${route} is not served locally`,
    );
  }
  return routes[route]({
    url,
    caller: callerOf(request.headers.authorization, adminKey),
    body: await readJson(request),
  });
}
