/**
 * Evaluates the bundles of a push, as a deployment does, to find component definitions, schemas, and every function's
 * kind, visibility and validators.
 */
import {
  compileModules,
  createModuleContext,
  evaluateModule,
} from "./bundleModules.mjs";
import { exportedFunctions } from "./exportedFunctions.mjs";

/** Under this prefix, definition bundles import the components they use. */
const COMPONENT_IMPORT = "./_componentDeps/";
const AUTH_MODULE = "auth.config.js";

/**
 * @typedef {object} AnalysisOptions
 * @property {(env?: (name: string) => string | undefined) => import("node:vm").Context} [createContext]
 *   creates the context that evaluates a module
 * @property {(path: string) => void} [onModule] called before each module is evaluated
 * @property {(name: string) => string | undefined} [env] the deployment's environment variables. Without
 *   them, the configuration of users' tokens isn't read
 */

/** The code that tells the CLI which variable is missing. */
export class MissingVariable extends Error {
  code = "AuthConfigMissingEnvironmentVariable";

  constructor(name) {
    super(
      `Environment variable ${name} is used in auth config file but its value was not set`,
    );
  }
}

/**
 * Analyzes the body of a `start_push` request.
 *
 * @param {object} request
 * @param {AnalysisOptions} [options]
 * @returns the body of the reply, which the CLI generates code from
 */
export async function analyzePush(request, options = {}) {
  const { createContext = createModuleContext, onModule = () => {} } = options;
  const analysis = {};
  for (const component of inDependencyOrder(request)) {
    analysis[component.path] = await analyzeComponent(component, analysis, {
      createContext,
      onModule,
    });
  }
  return {
    environmentVariables: {},
    externalDepsId: null,
    componentDefinitionPackages: {},
    appAuth: await evaluateAuth(request.appDefinition, {
      ...options,
      createContext,
    }),
    analysis,
    app: mountedComponent(analysis, "", ""),
    schemaChange: { allocatedComponentIds: {}, schemaIds: {}, indexDiffs: {} },
  };
}

/** Returns the definitions of the app and all components, each after those that it uses. */
function inDependencyOrder({ appDefinition, componentDefinitions }) {
  const { changedModules, ...app } = appDefinition;
  const definitions = new Map([
    ["", { ...app, path: "", functions: changedModules }],
    ...componentDefinitions.map((component) => [
      component.definitionPath,
      { ...component, path: component.definitionPath },
    ]),
  ]);
  const ordered = new Set();
  const visit = (path) => {
    const definition = definitions.get(path);
    if (ordered.has(definition)) return;
    definition.dependencies.forEach(visit);
    ordered.add(definition);
  };
  visit("");
  return ordered;
}

async function analyzeComponent(component, analyzed, options) {
  const { definitionType, childComponents, httpMounts, envVars } =
    await evaluateDefinition(component.definition, analyzed, options);
  const functions = await analyzeFunctions(component.functions, options);
  return {
    definition: {
      path: component.path,
      definitionType,
      childComponents,
      httpMounts,
      envVars: envVars ?? [],
      // An app exports nothing. A component exports its public functions.
      exports: exportTree(component.path === "" ? {} : functions),
    },
    schema:
      component.schema && (await evaluateSchema(component.schema, options)),
    functions,
    udfConfig: {
      serverVersion: component.udfServerVersion,
      importPhaseRngSeed: null,
      importPhaseUnixTimestamp: null,
    },
  };
}

async function evaluateDefinition(definition, analyzed, options) {
  const resolveComponent = (specifier) => {
    if (!specifier.startsWith(COMPONENT_IMPORT)) return undefined;
    const encoded = specifier.slice(COMPONENT_IMPORT.length);
    const path = Buffer.from(encoded, "base64url").toString();
    const { definitionType } = analyzed[path].definition;
    return {
      __esModule: true,
      default: {
        componentDefinitionPath: path,
        defaultName: definitionType.name,
      },
    };
  };
  const exports = await evaluateSingle(definition, options, resolveComponent);
  return exports.default.export();
}

async function evaluateSchema(schema, options) {
  const exports = await evaluateSingle(schema, options);
  return JSON.parse(exports.default.export());
}

async function evaluateSingle(module, options, resolveExternal) {
  const scripts = await compileModules([module]);
  options.onModule(module.path);
  const context = options.createContext();
  return evaluateModule(context, scripts, module.path, resolveExternal);
}

/** Reads from the app's configuration which providers' tokens it accepts. */
async function evaluateAuth({ changedModules }, options) {
  const { env, onModule, createContext } = options;
  if (!env || !changedModules.some(({ path }) => path === AUTH_MODULE))
    return [];
  const scripts = await compileModules(
    changedModules.filter(({ environment }) => environment === "isolate"),
  );
  let missing;
  const context = createContext((name) => {
    const value = env(name);
    missing ??= value === undefined ? new MissingVariable(name) : undefined;
    return value;
  });
  onModule?.(AUTH_MODULE);
  let exports;
  try {
    exports = evaluateModule(context, scripts, AUTH_MODULE);
  } catch (error) {
    throw missing ?? failedToAnalyze(AUTH_MODULE, error);
  }
  if (missing) throw missing;
  return providersOf(exports.default);
}

function providersOf(config) {
  if (!Array.isArray(config?.providers))
    throw new Error(
      "convex/auth.config.ts must export an object with `providers`, an array, as its default",
    );
  return config.providers.map((provider) =>
    provider.type === "customJwt"
      ? { applicationID: null, ...provider }
      : { ...provider },
  );
}

async function analyzeFunctions(modules, { createContext, onModule }) {
  // A real deployment analyzes modules with "use node" on Node. No generated
  // code depends on them.
  const isolateModules = modules.filter((m) => m.environment === "isolate");
  const scripts = await compileModules(isolateModules);
  const analyzed = {};
  for (const { path } of isolateModules) {
    if (path.startsWith("_deps/") || path === AUTH_MODULE) continue;
    onModule(path);
    analyzed[path] = {
      functions: analyzeModule(createContext(), scripts, path),
      httpRoutes: null,
      cronSpecs: null,
      sourceMapped: null,
    };
  }
  return analyzed;
}

function analyzeModule(context, scripts, path) {
  try {
    return exportedFunctions(evaluateModule(context, scripts, path));
  } catch (error) {
    throw failedToAnalyze(path, error);
  }
}

function failedToAnalyze(path, error) {
  // The error may belong to another realm, so it may not be an instance of this realm's Error.
  return new Error(`Failed to analyze ${path}: Uncaught ${error}`, {
    cause: error,
  });
}

/** Returns the public functions that a component exports to its parent, by module path. */
function exportTree(functionsByModule) {
  const tree = {};
  for (const [modulePath, { functions }] of Object.entries(functionsByModule)) {
    const modulePathWithoutExtension = modulePath.replace(/\.js$/, "");
    for (const { name, visibility } of functions) {
      if (visibility?.kind !== "public") continue;
      let branch = tree;
      for (const segment of modulePathWithoutExtension.split("/")) {
        branch = branch[segment] ??= {};
      }
      branch[name] =
        `_reference/function/${modulePathWithoutExtension}:${name}`;
    }
  }
  return serializeTree(tree);
}

function serializeTree(node) {
  if (typeof node === "string") return { type: "leaf", leaf: node };
  const branch = Object.entries(node).map(([name, child]) => [
    name,
    serializeTree(child),
  ]);
  return { type: "branch", branch };
}

/** Returns the tree of mounted components under the definition at `definitionPath`. */
function mountedComponent(analysis, definitionPath, componentPath) {
  const { childComponents } = analysis[definitionPath].definition;
  const children = childComponents.map(({ name, path }) => [
    name,
    mountedComponent(
      analysis,
      path,
      componentPath === "" ? name : `${componentPath}/${name}`,
    ),
  ]);
  return {
    definitionPath,
    componentPath,
    args: {},
    childComponents: Object.fromEntries(children),
    httpRoutes: { httpModuleRoutes: null, mounts: [] },
    exports: {},
  };
}
