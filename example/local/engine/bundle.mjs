// @ts-check
import { SourceMap } from "node:module";
import { compiledModule } from "../../tools/moduleScripts.mjs";

/**
 * The modules of an app or a component, ready to be evaluated in any context.
 *
 * @typedef {object} Bundle
 * @property {Map<string, import("node:vm").Script>} scripts by module path
 * @property {(file: string, line: number, column: number) => string | undefined} position
 *   where a frame of a stack is in what the developer wrote; undefined for code
 *   that is not the developer's
 */

/** Of the file names that compiled modules have. */
const PREFIX = "convex:/";
const SYSTEM_PREFIX = "convex:/_system/";

/**
 * @param {Bundle["scripts"]} scripts
 * @returns {Bundle}
 */
export function bundleOf(scripts) {
  return {
    scripts,
    position(file, line, column) {
      if (!file.startsWith(PREFIX) || file.startsWith(SYSTEM_PREFIX))
        return undefined;
      const script = scripts.get(file.slice(PREFIX.length));
      const found =
        script && sourceMap(script)?.findEntry(line - 1, column - 1);
      return found && "originalSource" in found
        ? `${found.originalSource}:${found.originalLine + 1}:${found.originalColumn + 1}`
        : `${file}:${line}:${column}`;
    },
  };
}

/** @type {WeakMap<import("node:vm").Script, SourceMap>} */
const parsed = new WeakMap();

/** @param {import("node:vm").Script} script */
function sourceMap(script) {
  const json = compiledModule(script)?.map;
  if (json === undefined || json === "") return undefined;
  const map = parsed.get(script) ?? new SourceMap(JSON.parse(json));
  parsed.set(script, map);
  return map;
}
