import { createServer, defaultServerConditions } from "vite";
import { ROOT } from "../paths.mjs";

/**
 * Loads a module of this repository without a build. It may use TypeScript and `import.meta.glob`, and import
 * the package by its own name.
 *
 * @param {string} entry a path from the repository's root
 * @returns {Promise<Record<string, any>>} what it exports
 */
export async function loadSource(entry) {
  const server = await createServer({
    root: ROOT,
    configFile: false,
    appType: "custom",
    logLevel: "error",
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
    ssr: {
      resolve: {
        conditions: [
          ...defaultServerConditions,
          "@convex-dev/component-source",
        ],
      },
      // They use import.meta.glob or sources in TypeScript, so Vite must see them.
      noExternal: ["convex-test", /@convex-dev\//],
    },
  });
  return await server.ssrLoadModule(`/${entry}`);
}
