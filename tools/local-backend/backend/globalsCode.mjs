// @ts-check
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/** @typedef {{ globals: string, streams: string }} ContextCode */

/** Threads that this one starts find the code here, so they need no bundler. */
const KEY = "code of the platform's globals";

/**
 * Returns scripts for a context. `globals` evaluates to the function that installs the
 * globals, and `streams` to the classes of web streams by name.
 *
 * @returns {ContextCode}
 */
export function contextCode() {
  const known = getEnvironmentData(KEY);
  if (known !== undefined) return /** @type {any} */ (known);
  const globals = bundle(
    "../../../src/client/environment/testing/platformGlobals.ts",
  );
  const code = {
    globals: `(function () { ${globals}; return bundled.installPlatformGlobals; })()`,
    streams: `(function () { ${bundle("context/streams.mjs")}; return bundled; })()`,
  };
  setEnvironmentData(KEY, /** @type {any} */ (code));
  return code;
}

/** @param {string} entry defines `bundled`, with what it exports */
function bundle(entry) {
  /** @type {typeof import("esbuild")} */
  const { buildSync } = createRequire(import.meta.url)("esbuild");
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "bundled",
    platform: "neutral",
    target: "es2022",
    // A context's AbortController can't be constructed. Without one, a write can't be aborted midway.
    define: { AbortController: "undefined" },
  });
  return /** @type {{ text: string }} */ (outputFiles[0]).text;
}
