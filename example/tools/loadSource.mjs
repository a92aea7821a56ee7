import { createServer, defaultServerConditions } from "vite";
import { ROOT } from "./paths.mjs";

/**
 * Loads modules of this repository as they are, without a build: TypeScript, `import.meta.glob`,
 * and the package by its own name.
 *
 * @param {string} entry a path from the repository's root
 * @returns {Promise<{ exports: Record<string, any>, close: () => Promise<void> }>} `close` ends what
 *   loads modules that are imported later
 */
export async function loadSource(entry) {
  const conditions = [
    ...defaultServerConditions,
    "@convex-dev/component-source",
  ];
  const server = await createServer({
    root: ROOT,
    configFile: false,
    appType: "custom",
    logLevel: "error",
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
    ssr: {
      resolve: { conditions },
      // They use import.meta.glob or sources in TypeScript, so Vite must see them.
      noExternal: ["convex-test", /@convex-dev\//],
    },
  });
  const exports = await server.ssrLoadModule(`/${entry}`);
  return { exports, close: () => server.close() };
}
