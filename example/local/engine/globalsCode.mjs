// @ts-check
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

const ENTRY = new URL(
  "../../../src/client/environment/testing/platformGlobals.ts",
  import.meta.url,
);

/** Threads that this one starts find it here and need no bundler. */
const KEY = "code of the platform's globals";

/** @returns {string} a script whose value is the function that installs the globals */
export function globalsCode() {
  const known = getEnvironmentData(KEY);
  if (typeof known === "string") return known;
  const code = bundle();
  setEnvironmentData(KEY, code);
  return code;
}

function bundle() {
  /** @type {typeof import("esbuild")} */
  const { buildSync } = createRequire(import.meta.url)("esbuild");
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(ENTRY)],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "globals",
    platform: "neutral",
    target: "es2022",
  });
  const code = /** @type {{ text: string }} */ (outputFiles[0]).text;
  return `(function () { ${code}; return globals.installPlatformGlobals; })()`;
}
