/** Turns compiled modules into `vm` scripts, which any number of contexts can evaluate. */
import vm from "node:vm";

/** @typedef {{ code: string, map: string }} CompiledModule `code` is in the form of CommonJS, `map` JSON */

/** @type {WeakMap<vm.Script, CompiledModule>} */
const compiled = new WeakMap();

/**
 * @param {string} modulePath
 * @param {CompiledModule} module
 */
export function moduleScript(modulePath, module) {
  const opening = "(function (exports, require, module) {";
  const script = new vm.Script(`${opening}${module.code}\n})`, {
    filename: `convex:/${modulePath}`,
    columnOffset: -opening.length,
  });
  compiled.set(script, module);
  return script;
}

/**
 * Returns the compiled module of a script. Its map leads from positions in the compiled module to
 * positions in the source.
 *
 * @param {vm.Script} script
 */
export function compiledModule(script) {
  return compiled.get(script);
}
