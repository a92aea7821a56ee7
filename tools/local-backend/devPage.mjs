import { existsSync } from "node:fs";
import path from "node:path";

/**
 * Serves the page of an app, if it has one, with Vite. The page finds its backend in `VITE_CONVEX_URL`,
 * and this package's sources need no build.
 *
 * @param {object} options
 * @param {string} options.app
 * @param {string} options.url of the local server
 * @param {number} [options.port] default: one that is free
 * @returns {Promise<{ url: string, close: () => Promise<void> } | undefined>}
 */
export async function servePage({ app, url, port = 0 }) {
  if (!existsSync(path.join(app, "index.html"))) return undefined;
  // Loaded only for a page, because it takes a while.
  const { createServer, defaultClientConditions } = await import("vite");
  const server = await createServer({
    root: app,
    // Servers of other apps may run at the same time, and would write into a shared one.
    cacheDir: path.join(app, "node_modules/.cache/convex-local-page"),
    clearScreen: false,
    logLevel: "warn",
    define: { "import.meta.env.VITE_CONVEX_URL": JSON.stringify(url) },
    resolve: {
      conditions: ["@convex-dev/component-source", ...defaultClientConditions],
    },
    // Vite's dependency scan panics if the process ends meanwhile, so list the dependencies that aren't ES modules.
    optimizeDeps: {
      noDiscovery: true,
      include: [
        "react",
        "react/jsx-dev-runtime",
        "react-dom",
        "react-dom/client",
      ],
    },
    server: { host: "127.0.0.1", port, strictPort: true },
  });
  await server.listen();
  return {
    url: `http://127.0.0.1:${server.httpServer.address().port}`,
    close: () => server.close(),
  };
}
