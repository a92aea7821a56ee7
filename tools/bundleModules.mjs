/**
 * Evaluates Convex bundles as a deployment does. It evaluates every module once
 * per V8 context, with the web platform's globals and without Node's.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import path from "node:path";
import vm from "node:vm";
import { compiledModule, moduleScript } from "./moduleScripts.mjs";

const WEB_GLOBALS = [
  "AbortController",
  "AbortSignal",
  "Blob",
  "Crypto",
  "CryptoKey",
  "Event",
  "EventTarget",
  "FormData",
  "Headers",
  "ReadableStream",
  "Request",
  "Response",
  "SubtleCrypto",
  "TextDecoder",
  "TextEncoder",
  "TransformStream",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "atob",
  "btoa",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "performance",
  "setInterval",
  "setTimeout",
  "structuredClone",
];

/** Creates a context with the globals of Convex's function runtime. */
export function createModuleContext() {
  const globals = Object.fromEntries(
    WEB_GLOBALS.map((name) => [name, globalThis[name]]),
  );
  return vm.createContext({
    ...globals,
    AsyncLocalStorage,
    process: { env: {} },
  });
}

/** Compiled modules, so that a further push or analysis compiles only changed ones. */
const compiledModules = new Map();

/**
 * Compiles bundled ES modules to scripts that any number of contexts can
 * evaluate.
 *
 * @param {{ path: string, source: string, sourceMap?: string | null }[]} modules
 * @returns {Promise<Map<string, vm.Script>>} by module path
 */
export async function compileModules(modules) {
  const compiled = await Promise.all(
    modules.map(async (module) => {
      const key = keyOf(module);
      if (!compiledModules.has(key)) {
        compiledModules.set(key, compileModule(module));
      }
      return [module.path, await compiledModules.get(key)];
    }),
  );
  return new Map(compiled);
}

function keyOf({ path: modulePath, source }) {
  return `${modulePath}\n${source}`;
}

/** Compiles modules for another thread's `useCompiled`, which then doesn't compile them again. */
export async function compileForThread(modules) {
  const compiled = modules.map(async (module) => {
    const scripts = await compileModules([module]);
    const { path: modulePath } = module;
    return {
      ...{ key: keyOf(module), path: modulePath },
      module: compiledModule(scripts.get(modulePath)),
    };
  });
  return await Promise.all(compiled);
}

/** @param {Awaited<ReturnType<typeof compileForThread>>} modules */
export function useCompiled(modules) {
  for (const { key, path: modulePath, module } of modules)
    compiledModules.set(key, moduleScript(modulePath, module));
}

async function compileModule({ path: modulePath, source, sourceMap }) {
  const { transform } = await import("esbuild");
  // vm has no stable way to link ES modules, so they become functions.
  const { code, map } = await transform(withSourceMap(source, sourceMap), {
    format: "cjs",
    target: "esnext",
    sourcefile: modulePath,
    sourcemap: "external",
    sourcesContent: false,
    supported: {
      // Becomes calls of `require`, because vm can't load modules for a script.
      "dynamic-import": false,
      // Node 20 and 22 can't parse it.
      using: false,
    },
  });
  return moduleScript(modulePath, { code, map });
}

/** Names the bundle's own source map, so that the compiler's starts from it. */
function withSourceMap(source, sourceMap) {
  const code = source.replace(/\n\/\/# sourceMappingURL=\S*\s*$/, "\n");
  if (!sourceMap) return code;
  const encoded = Buffer.from(sourceMap).toString("base64");
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
}

/**
 * Evaluates `entry` and its imports, and returns its exports.
 *
 * @param {vm.Context} context
 * @param {Map<string, vm.Script>} scripts from `compileModules`
 * @param {string} entry a key of `scripts`
 * @param {(specifier: string) => unknown} [resolveExternal] exports of a module
 *   that isn't one of `scripts`, or undefined
 */
export function evaluateModule(context, scripts, entry, resolveExternal) {
  const evaluated = new Map();
  const load = (modulePath, importer) => {
    const known = evaluated.get(modulePath);
    if (known) return known.exports;
    const script = scripts.get(modulePath);
    if (!script) {
      throw new Error(
        `${importer} imports "${modulePath}", which is not in the bundle`,
      );
    }
    const module = { exports: {} };
    evaluated.set(modulePath, module);
    const require = (specifier) =>
      resolveExternal?.(specifier) ??
      load(
        path.posix.join(path.posix.dirname(modulePath), specifier),
        modulePath,
      );
    script.runInContext(context)(module.exports, require, module);
    return module.exports;
  };
  return load(entry, "the deployment");
}
