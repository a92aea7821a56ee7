// @ts-check
import { SourceMap } from "node:module";
import path from "node:path";
import { compiledModule } from "../../moduleScripts.mjs";

/**
 * The modules of an app or a component, which any context can evaluate.
 *
 * @typedef {object} Bundle
 * @property {Map<string, import("node:vm").Script>} scripts by module path
 * @property {(file: string, line: number, column: number) => string | undefined} position
 *   maps a stack frame to the developer's source. Undefined for other code
 * @property {(modulePath: string) => readonly string[]} filesOf a module and its static imports
 */

/** The prefix of compiled modules' file names. */
const PREFIX = "convex:/";
const SYSTEM_PREFIX = "convex:/_system/";

/**
 * @param {Bundle["scripts"]} scripts
 * @returns {Bundle}
 */
export function bundleOf(scripts) {
  /** @type {Map<string, readonly string[]>} */
  const files = new Map();
  return {
    scripts,
    filesOf(modulePath) {
      const known = files.get(modulePath) ?? importedFrom(scripts, modulePath);
      files.set(modulePath, known);
      return known;
    },
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

/** The compiler's output for an import. The first group matches a dynamic one. */
const REQUIRE =
  /(Promise\.resolve\(\)\.then\(\(\) => (?:__toESM\()?)?\brequire\("([^"]+)"\)/g;

/**
 * @param {Bundle["scripts"]} scripts
 * @param {string} modulePath
 */
function importedFrom(scripts, modulePath) {
  const found = new Set([modulePath]);
  for (const file of found) {
    const script = scripts.get(file);
    const code = (script && compiledModule(script)?.code) ?? "";
    for (const [, isDynamic, specifier = ""] of code.matchAll(REQUIRE)) {
      const imported = path.posix.join(path.posix.dirname(file), specifier);
      if (!isDynamic && scripts.has(imported)) found.add(imported);
    }
  }
  return [...found];
}
