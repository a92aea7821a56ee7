// @ts-check
/** From a push to what can be run: the components that are mounted, their functions and schemas. */
import { analyzePush as evaluatePush } from "../../tools/analyzePush.mjs";
import { compileModules } from "../../tools/bundleModules.mjs";
import { bundleOf } from "./bundle.mjs";
import { createAnalysisContext } from "./functionContext.mjs";

/** @import { AnalysisOptions } from "../../tools/analyzePush.mjs" */
/** @import { RunnableFunction } from "./functions.mjs" */
/** @import { Schemas } from "./store.mjs" */

/** Its default export routes HTTP requests. */
const HTTP_MODULE = "http.js";

/**
 * @typedef {object} RunnableCode
 * @property {Map<string, RunnableFunction[]>} functions by component path
 * @property {RunnableFunction} [httpRouter]
 * @property {Schemas} schemas
 */

/**
 * The reply to `start_push`.
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
 * A push is not to be changed once it has been given.
 *
 * @param {object} push
 * @param {(push: object) => Promise<any>} [analyzePush]
 * @returns {Promise<RunnableCode>}
 */
export function loadPush(push, analyzePush = analyze) {
  const code = loaded.get(push) ?? load(push, analyzePush);
  loaded.set(push, code);
  return code;
}

/**
 * @param {any} push
 * @param {(push: object) => Promise<any>} analyzePush
 * @returns {Promise<RunnableCode>}
 */
async function load(push, analyzePush) {
  const { analysis, app } = await analyzePush(push);
  const bundles = new Map([
    ["", await loadBundle(push.appDefinition.changedModules)],
  ]);
  for (const { definitionPath, functions } of push.componentDefinitions)
    bundles.set(definitionPath, await loadBundle(functions));

  /** @type {RunnableCode} */
  const code = { functions: new Map(), schemas: new Map() };
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
