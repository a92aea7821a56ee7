// @ts-check
/** Serves the example's pages, built by Vite, on a local backend. The caller sees its data and calls. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { build, preview } from "vite";
import { createDeployment } from "../local-backend/backend/deployment.mjs";
import { startLocalServer } from "../local-backend/server/localServer.mjs";
import { EXAMPLE, ROOT } from "../paths.mjs";
import { pushRequest } from "../pushRequest.mjs";

/** The component's path in the example. */
const COMPONENT = "workflow";

/** @param {{ app?: string }} [options] `app`: a copy of the example, whose functions are pushed */
export async function serveConsole({ app = EXAMPLE } = {}) {
  /** @type {(() => Promise<unknown>)[]} */
  const closing = [];
  const deployment = createDeployment({ seed: 1 });
  closing.push(() => deployment.close());
  /** @type {Map<string, number>} */
  const calls = new Map();
  const counted = {
    ...deployment,
    /** @param {import("../local-backend/backend/types.mjs").CallRequest} request */
    call: (request) => {
      calls.set(request.path, (calls.get(request.path) ?? 0) + 1);
      return deployment.call(request);
    },
  };
  const server = await startLocalServer({ deployment: counted });
  closing.push(() => server.close());
  const [request, url] = await Promise.all([
    pushRequest({ app, liveSources: true }),
    servePages(server.url, closing),
  ]);
  await push(server, request);

  return {
    /** The URL of the pages, with a slash at the end. */
    url,
    /** How often clients have called each function. */
    calls,
    /**
     * Calls a function of the app.
     *
     * @param {string} path
     * @param {any} [args]
     * @returns {Promise<any>}
     */
    async call(path, args = {}) {
      const caller = { admin: true };
      const response = await deployment.call({ path, args, caller });
      if (response.status === "error") throw new Error(response.errorMessage);
      return response.value;
    },
    /**
     * Inserts rows of the component.
     *
     * @param {string} table
     * @param {Record<string, import("convex/values").Value>[]} rows
     */
    insert: (table, rows) => deployment.insert(table, rows, COMPONENT),
    /** @param {string} table of the component */
    rows: (table) => deployment.rows(table, COMPONENT),
    /** @param {Record<string, string>} variables */
    setEnvironment: (variables) =>
      deployment.changeEnvironment(
        Object.entries(variables).map(([name, value]) => ({ name, value })),
      ),
    async close() {
      for (const close of closing.reverse()) await close();
    },
  };
}

/**
 * @param {string} convexUrl
 * @param {(() => Promise<unknown>)[]} closing
 */
async function servePages(convexUrl, closing) {
  const root = EXAMPLE;
  const outDir = await mkdtemp(path.join(os.tmpdir(), "workflow-pages-"));
  closing.push(() => rm(outDir, { recursive: true, force: true }));
  await build({
    ...{ root, logLevel: "warn" },
    define: { "import.meta.env.VITE_CONVEX_URL": JSON.stringify(convexUrl) },
    // Use this package's sources, whether or not they are built. In a copy of the repository, use the copy's.
    resolve: {
      alias: {
        "@convex-dev/workflow/react": path.join(ROOT, "src/react/index.ts"),
      },
    },
    build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 2000 },
  });
  const server = await preview({
    ...{ root, logLevel: "warn", build: { outDir } },
    preview: { port: 0, host: "127.0.0.1" },
  });
  closing.push(() => server.close());
  const { port } = /** @type {import("node:net").AddressInfo} */ (
    server.httpServer.address()
  );
  return `http://127.0.0.1:${port}/`;
}

/**
 * Pushes as the CLI does.
 *
 * @param {{ url: string, adminKey: string }} server
 * @param {object} request
 */
async function push({ url, adminKey }, request) {
  /** @param {string} path @param {object} body */
  const post = async (path, body) => {
    const response = await fetch(`${url}/api/deploy2/${path}`, {
      method: "POST",
      headers: { Authorization: `Convex ${adminKey}` },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  const startPush = await post("start_push", request);
  await post("finish_push", { startPush, dryRun: false });
}
