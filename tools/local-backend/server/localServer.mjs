import { randomBytes } from "node:crypto";
import http from "node:http";
import { callerOf } from "./authorization.mjs";
import { Clock } from "./clock.mjs";
import { environmentApi } from "./environmentApi.mjs";
import { FirstPush } from "./firstPush.mjs";
import { functionApi } from "./functionApi.mjs";
import { createFunctionCalls } from "./functionCalls.mjs";
import { HttpError, readJson, send, sendError } from "./http.mjs";
import { infoApi } from "./infoApi.mjs";
import { close as closeServer, listen } from "./listening.mjs";
import { LogStream } from "./logStream.mjs";
import { pushApi } from "./pushApi.mjs";
import { startSiteServer } from "./siteServer.mjs";
import { SyncServer } from "./syncServer.mjs";
import { createSystemFunctions } from "./systemFunctions.mjs";

/**
 * Serves a deployment to the Convex CLI and to Convex clients.
 *
 * @param {object} options
 * @param {import("../backend/types.mjs").Deployment} options.deployment
 * @param {number} [options.port] default: any that is free
 * @param {number} [options.sitePort] of HTTP actions; default: any that is free
 * @param {string} [options.adminKey] default: a new one
 * @param {(report: import("../backend/types.mjs").DeployReport) => void} [options.onDeployed] is called after each push
 * @returns {Promise<{ url: string, siteUrl: string, adminKey: string, instanceName: string, close: () => Promise<void> }>}
 * @throws if a port is taken
 */
export async function startLocalServer({
  deployment,
  port = 0,
  sitePort = 0,
  adminKey = randomBytes(16).toString("hex"),
  onDeployed = () => {},
}) {
  const server = http.createServer();
  // Otherwise clients would reuse connections to a server that has restarted since.
  server.maxRequestsPerSocket = 1;
  const url = await listen(server, port);
  const site = await startSiteServer({ deployment, port: sitePort }).catch(
    async (error) => {
      await closeServer(server);
      throw error;
    },
  );
  const siteUrl = site.url;
  deployment.setUrls({ url, siteUrl });
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
  const dataChanged = (writes) => {
    clock.tick();
    sync.dataChanged(writes);
  };
  const deployed = (report) => {
    firstPush.finish();
    // The queries may have changed, even if their data hasn't.
    dataChanged();
    onDeployed(report);
  };
  const unsubscribe = [
    deployment.onCommit(dataChanged),
    deployment.onLog((line) => logs.add(line)),
  ];

  const routes = {
    ...infoApi({ instanceName, url, siteUrl }),
    ...functionApi({ call: firstPush.requiredFor(call), clock }),
    ...pushApi({ deployment, onDeployed: deployed }),
    ...environmentApi(deployment),
    ...logs.routes(),
  };
  server.on("request", (request, response) => {
    answer(request, url, routes, adminKey).then(
      (reply) => send(response, reply),
      (error) => sendError(response, error),
    );
  });
  server.on("upgrade", (...connection) => sync.upgrade(...connection));

  async function close() {
    for (const stop of unsubscribe) stop();
    await site.close();
    await closeServer(server, () => {
      logs.close();
      return sync.close();
    });
  }
  return { url, siteUrl, adminKey, instanceName, close };
}

async function answer(request, serverUrl, routes, adminKey) {
  if (request.method === "OPTIONS") return {};
  const url = new URL(request.url, serverUrl);
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
