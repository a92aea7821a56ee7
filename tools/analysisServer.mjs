/**
 * A local stand-in for a deployment that replies to `convex codegen`, so that generating code needs neither network
 * nor account.
 */
import { once } from "node:events";
import http from "node:http";
import { brotliDecompressSync } from "node:zlib";
import { analyzePush } from "./analyzePush.mjs";

const ROUTES = {
  // Nothing is deployed, so that the CLI pushes every module.
  "/api/get_config_hashes": () => ({
    config: { functions: "convex/", modules: [], authInfo: [] },
    moduleHashes: [],
    nodeDependencies: [],
  }),
  "/api/deploy2/start_push": analyzePush,
};

/** Starts the server on a free port of this machine. */
export async function startAnalysisServer() {
  const server = http.createServer(
    (request, response) => void answer(request, response),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => server.close(),
  };
}

async function answer(request, response) {
  const send = (status, body) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const route = request.method === "POST" && ROUTES[request.url];
  if (!route) {
    const message = `${request.method} ${request.url} is not served locally`;
    return send(404, { code: "NotServedLocally", message });
  }
  try {
    send(200, await route(await readBody(request)));
  } catch (error) {
    // The CLI retries any status but 4xx for a long time.
    send(400, { code: "AnalysisFailed", message: error.stack ?? `${error}` });
  }
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const isCompressed = request.headers["content-encoding"] === "br";
  return JSON.parse(isCompressed ? brotliDecompressSync(body) : body);
}
