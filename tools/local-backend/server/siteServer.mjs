import http from "node:http";
import { callerOf } from "./authorization.mjs";
import { readBody } from "./http.mjs";
import { close, listen } from "./listening.mjs";

/**
 * Serves HTTP actions at their own URL, as a deployment does.
 *
 * @param {object} options
 * @param {Pick<import("../backend/types.mjs").Deployment, "fetch">} options.deployment
 * @param {number} options.port 0: any that is free
 */
export async function startSiteServer({ deployment, port }) {
  const server = http.createServer();
  const url = await listen(server, port);
  server.on("request", (request, response) => {
    answer(request).catch((error) => {
      console.error(error);
      response.writeHead(500).end(`The local server failed: ${error.message}`);
    });

    async function answer({ method, headers }) {
      const { status, ...reply } = await deployment.fetch({
        method,
        url: new URL(request.url, url).href,
        headers: Object.entries(headers).map(([name, value]) => [
          name,
          `${value}`,
        ]),
        body: await readBody(request),
        identity: identityOfCaller(headers.authorization),
      });
      response.writeHead(status, Object.fromEntries(reply.headers));
      response.end(reply.body);
    }
  });
  return { url, close: () => close(server) };
}

/** An HTTP action decides itself how to treat a caller that isn't a Convex user. */
function identityOfCaller(authorization) {
  try {
    return callerOf(authorization).identity;
  } catch {
    return undefined;
  }
}
