// @ts-check
/** Converts a push to the mounted components with their functions and schemas. */
import { analyzePush as evaluatePush } from "../../analyzePush.mjs";
import { compileModules } from "../../bundleModules.mjs";
import { bundleOf } from "./bundle.mjs";
import { createAnalysisContext } from "./functionContext.mjs";

/** @import { AnalysisOptions } from "../../analyzePush.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Schemas } from "./store.mjs" */

/** Its default export routes HTTP requests. */
const HTTP_MODULE = "http.js";

/**
 * @typedef {object} RunnableCode
 * @property {Map<string, RunnableFunction[]>} functions by component path
 * @property {RunnableFunction} [httpRouter]
 * @property {Schemas} schemas
 * @property {any} reply the reply that `analyze` returned
 */

/**
 * Returns the reply to `start_push`.
 *
 * @param {any} push
 * @param {Pick<AnalysisOptions, "env" | "onModule">} [options]
 * @returns {Promise<any>}
 */
export async function analyze(push, options) {
  return await evaluatePush(push, {
    ...options,
    createContext: createAnalysisContext,
  });
}

/** @type {WeakMap<object, Promise<RunnableCode>>} by push */
const loaded = new WeakMap();

/**
 * Loads a push without its Node modules. Don't change the push afterwards.
 *
 * @param {object} push
 * @returns {Promise<RunnableCode>}
 */
export function loadPush(push) {
  const code =
    loaded.get(push) ?? analyze(push).then((reply) => load(push, reply));
  loaded.set(push, code);
  return code;
}

/**
 * @param {any} push
 * @param {any} reply as `analyze` gives it
 * @param {string} [nodeFolder] where its Node modules are, if they can be run
 * @returns {Promise<RunnableCode>}
 */
export async function load(push, reply, nodeFolder) {
  const { analysis, app } = reply;
  const isNode = new Set(nodeEntries(push).map(({ path }) => path));
  const bundles = new Map([
    ["", await loadBundle(push.appDefinition.changedModules)],
  ]);
  for (const { definitionPath, functions } of push.componentDefinitions)
    bundles.set(definitionPath, await loadBundle(functions));

  /** @type {RunnableCode} */
  const code = { reply, functions: new Map(), schemas: new Map() };
  const mount = (/** @type {any} */ component) => {
    const { definitionPath, componentPath, childComponents } = component;
    const { functions, schema } = analysis[definitionPath];
    const bundle = bundles.get(definitionPath);
    code.schemas.set(componentPath, schema);
    code.functions.set(
      componentPath,
      Object.entries(functions).flatMap(([modulePath, module]) =>
        module.functions.map((/** @type {any} */ analyzed) => ({
          ...{ componentPath, definitionPath },
          ...(componentPath === "" && isNode.has(modulePath) && { nodeFolder }),
          path: `${modulePath.replace(/\.js$/, "")}:${analyzed.name}`,
          kind: analyzed.udfType.toLowerCase(),
          visibility: analyzed.visibility?.kind ?? "internal",
          modulePath,
          name: analyzed.name,
          method: `invoke${analyzed.udfType}`,
          args: JSON.parse(analyzed.args),
          returns: JSON.parse(analyzed.returns),
          bundle,
        })),
      ),
    );
    if (componentPath === "" && HTTP_MODULE in functions)
      code.httpRouter = httpRouter(bundle);
    Object.values(childComponents).forEach(mount);
  };
  mount(app);
  return code;
}

/**
 * Returns the modules with "use node" that may have functions. Only the app has any.
 *
 * @param {any} push
 * @returns {import("./threads/nodeThreads.mjs").Module[]}
 */
export function nodeEntries({ appDefinition }) {
  return nodeModules(appDefinition).filter(
    ({ path }) => !path.startsWith("_deps/"),
  );
}

/**
 * @param {any} appDefinition
 * @returns {import("./threads/nodeThreads.mjs").Module[]}
 */
export function nodeModules({ changedModules }) {
  return changedModules.filter(
    (/** @type {any} */ { environment }) => environment === "node",
  );
}

/** @param {{ path: string, source: string, sourceMap?: string | null, environment: string }[]} modules */
async function loadBundle(modules) {
  return bundleOf(
    await compileModules(
      modules.filter(({ environment }) => environment === "isolate"),
    ),
  );
}

/**
 * @param {any} bundle of the app
 * @returns {RunnableFunction}
 */
function httpRouter(bundle) {
  return {
    ...{ componentPath: "", definitionPath: "", path: "http" },
    visibility: "public",
    ...{ kind: "action", method: "invokeHttp" },
    ...{ modulePath: HTTP_MODULE, name: "default", bundle },
    ...{ args: { type: "any" }, returns: null },
  };
}
