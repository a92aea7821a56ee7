/**
 * What a deployment learns from a push by evaluating its bundles: component
 * definitions, schemas, and every function's kind, visibility and validators.
 */
import {
  compileModules,
  createModuleContext,
  evaluateModule,
} from "./bundleModules.mjs";

/** Under this prefix, definition bundles import the components they use. */
const COMPONENT_IMPORT = "./_componentDeps/";
const FUNCTION_KINDS = ["Query", "Mutation", "Action"];

/**
 * Analyzes the body of a `start_push` request.
 *
 * @param {object} request
 * @param {{ createContext?: () => import("node:vm").Context }} [options] in
 *   which each module is evaluated
 * @returns the body of the reply, which the CLI generates code from
 */
export async function analyzePush(
  request,
  { createContext = createModuleContext } = {},
) {
  const analysis = {};
  for (const component of inDependencyOrder(request)) {
    analysis[component.path] = await analyzeComponent(
      component,
      analysis,
      createContext,
    );
  }
  return {
    environmentVariables: {},
    externalDepsId: null,
    componentDefinitionPackages: {},
    appAuth: [],
    analysis,
    app: mountedComponent(analysis, "", ""),
    schemaChange: { allocatedComponentIds: {}, schemaIds: {}, indexDiffs: {} },
  };
}

/** The app's and all components' definitions, each after those it uses. */
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

async function analyzeComponent(component, analyzed, createContext) {
  const { definitionType, childComponents, httpMounts, envVars } =
    await evaluateDefinition(component.definition, analyzed, createContext);
  const functions = await analyzeFunctions(component.functions, createContext);
  return {
    definition: {
      path: component.path,
      definitionType,
      childComponents,
      httpMounts,
      envVars: envVars ?? [],
      // An app exports nothing; a component, its public functions.
      exports: exportTree(component.path === "" ? {} : functions),
    },
    schema:
      component.schema &&
      (await evaluateSchema(component.schema, createContext)),
    functions,
    udfConfig: {
      serverVersion: component.udfServerVersion,
      importPhaseRngSeed: null,
      importPhaseUnixTimestamp: null,
    },
  };
}

async function evaluateDefinition(definition, analyzed, createContext) {
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
  const exports = await evaluateSingle(
    definition,
    createContext,
    resolveComponent,
  );
  return exports.default.export();
}

async function evaluateSchema(schema, createContext) {
  const exports = await evaluateSingle(schema, createContext);
  return JSON.parse(exports.default.export());
}

async function evaluateSingle(module, createContext, resolveExternal) {
  const scripts = await compileModules([module]);
  const context = createContext();
  return evaluateModule(context, scripts, module.path, resolveExternal);
}

async function analyzeFunctions(modules, createContext) {
  // Node modules ("use node") are analyzed on Node by a real deployment;
  // nothing that is generated here depends on them.
  const isolateModules = modules.filter((m) => m.environment === "isolate");
  const scripts = await compileModules(isolateModules);
  const analyzed = {};
  for (const { path } of isolateModules) {
    if (path.startsWith("_deps/") || path === "auth.config.js") continue;
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
    // Perhaps of another realm, whose errors are no instances of this one's.
    throw new Error(`Failed to analyze ${path}: Uncaught ${error}`, {
      cause: error,
    });
  }
}

function exportedFunctions(exports) {
  return Object.entries(exports).flatMap(([name, value]) => {
    const udfType = FUNCTION_KINDS.find(
      // Not just truthy: a re-exported `internal` has every property.
      (kind) => value?.[`is${kind}`] === true,
    );
    if (!udfType) return [];
    return {
      name,
      pos: null,
      udfType,
      visibility: visibilityOf(value),
      args: sortedValidator(value.exportArgs()),
      returns: sortedValidator(value.exportReturns()),
    };
  });
}

function visibilityOf(registered) {
  if (registered.isPublic) return { kind: "public" };
  if (registered.isInternal) return { kind: "internal" };
  return null;
}

/** A deployment keeps fields in order of their names, and so do generated types. */
function sortedValidator(json) {
  return JSON.stringify(sortFields(JSON.parse(json)));
}

function sortFields(validator) {
  switch (validator?.type) {
    case "array":
      return { ...validator, value: sortFields(validator.value) };
    case "union":
      return { ...validator, value: validator.value.map(sortFields) };
    case "record":
      return {
        ...validator,
        keys: sortFields(validator.keys),
        values: sortField(validator.values),
      };
    case "object":
      return {
        ...validator,
        value: sortedRecord(validator.value, sortField),
      };
    default:
      return validator;
  }
}

function sortField(field) {
  return { ...field, fieldType: sortFields(field.fieldType) };
}

function sortedRecord(record, mapValue) {
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, mapValue(record[key])]),
  );
}

/** Public functions by module path, as a component hands them to its parent. */
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

/** The tree of mounted components under the definition at `definitionPath`. */
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
