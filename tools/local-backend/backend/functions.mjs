// @ts-check
/** Finds the functions of the running code, and checks who may call them. */
import { createHash } from "node:crypto";
import { FunctionError, NotFoundError } from "./errors.mjs";

/** @import { Bundle } from "./bundle.mjs" */
/** @import { CallRequest, FunctionKind, FunctionSpec } from "./types.mjs" */

/** @typedef {{ componentPath: string, path: string }} FunctionPath `path` as in `dir/file:name` */

/**
 * @typedef {FunctionPath & {
 *   kind: FunctionKind,
 *   definitionPath: string,
 *   visibility: "public" | "internal",
 *   modulePath: string,
 *   name: string,
 *   method: string,
 *   args: any,
 *   returns: any,
 *   bundle: Bundle,
 *   nodeFolder?: string,
 * }} RunnableFunction with the JSON of its validators, and the path that its context's runner calls
 */

/** @typedef {{ name?: string, reference?: string, functionHandle?: string }} FunctionAddress as syscalls give it */

const CHILD_REFERENCE = "_reference/childComponent/";
const HANDLE_PREFIX = "function://";

export class FunctionTable {
  /** @type {Map<string, Map<string, RunnableFunction>>} by component path, then path */
  #components = new Map();
  /** The router of the app's HTTP actions. @type {RunnableFunction | undefined} */
  httpRouter;
  /** @type {Map<string, FunctionPath>} handles outlive their functions */
  #handles = new Map();

  /**
   * @param {Map<string, RunnableFunction[]>} components by path
   * @param {RunnableFunction} [httpRouter]
   */
  replace(components, httpRouter) {
    this.httpRouter = httpRouter;
    this.#components = new Map();
    for (const [componentPath, functions] of components) {
      const byPath = new Map(functions.map((each) => [each.path, each]));
      this.#components.set(componentPath, byPath);
    }
  }

  /**
   * @param {FunctionPath} path
   * @returns {RunnableFunction | undefined}
   */
  find({ componentPath, path }) {
    return this.#components.get(componentPath)?.get(path);
  }

  /** @param {string} componentPath */
  list(componentPath) {
    return [...(this.#components.get(componentPath)?.values() ?? [])];
  }

  /**
   * Returns the function that a client's request calls.
   *
   * @param {CallRequest} request
   */
  requested({ componentPath = "", path, kind, caller }) {
    const found = this.find({ componentPath, path: normalizePath(path) });
    const isVisible =
      caller.admin ||
      (found?.visibility === "public" && found.componentPath === "");
    if (!found || !isVisible)
      throw missing(
        path,
        componentPath,
        caller.admin ? "function" : "public function",
      );
    return ofKind(found, kind);
  }

  /**
   * Resolves an address that a function in a component uses.
   *
   * @param {FunctionAddress} address
   * @param {string} componentPath
   */
  resolve(address, componentPath) {
    const path = this.#pathOf(address, componentPath);
    const found = this.find(path);
    if (!found) throw missing(path.path, path.componentPath);
    if (address.reference !== undefined && found.visibility !== "public")
      throw new FunctionError(
        `"${path.path}" of component "${path.componentPath}" is internal to it`,
      );
    return found;
  }

  /**
   * Returns an opaque name that stays valid as long as the function exists.
   *
   * @param {FunctionPath} path
   */
  handleOf({ componentPath, path }) {
    const hash = createHash("sha256").update(`${componentPath};${path}`);
    const handle = HANDLE_PREFIX + hash.digest("hex").slice(0, 32);
    this.#handles.set(handle, { componentPath, path });
    return handle;
  }

  /**
   * @param {FunctionAddress} address
   * @param {string} componentPath
   * @returns {FunctionPath}
   */
  #pathOf({ name, reference, functionHandle }, componentPath) {
    if (functionHandle !== undefined) {
      const path = this.#handles.get(functionHandle);
      if (path) return path;
      throw new NotFoundError(`Invalid function handle "${functionHandle}"`);
    }
    if (name !== undefined) return { componentPath, path: normalizePath(name) };
    if (!reference?.startsWith(CHILD_REFERENCE))
      throw new FunctionError(`"${reference}" is no reference to a function`);
    const [child = "", ...segments] = reference
      .slice(CHILD_REFERENCE.length)
      .split("/");
    return {
      componentPath: childPath(componentPath, child),
      path: `${segments.slice(0, -1).join("/")}:${segments.at(-1)}`,
    };
  }

  /**
   * @param {string} componentPath
   * @returns {FunctionSpec[]}
   */
  specs(componentPath) {
    return this.list(componentPath).map((found) => ({
      identifier: `${found.modulePath}:${found.name}`,
      functionType: /** @type {FunctionSpec["functionType"]} */ (
        `${found.kind[0]?.toUpperCase()}${found.kind.slice(1)}`
      ),
      visibility: { kind: found.visibility },
      args: found.args,
      returns: found.returns ?? { type: "any" },
    }));
  }
}

/**
 * @param {string} parent
 * @param {string} name
 */
export function childPath(parent, name) {
  return parent === "" ? name : `${parent}/${name}`;
}

/**
 * @param {RunnableFunction} found
 * @param {FunctionKind} [kind]
 */
export function ofKind(found, kind = found.kind) {
  if (found.kind === kind) return found;
  throw new FunctionError(
    `Trying to execute ${found.modulePath}:${found.name} as ${article(kind)}, but it is defined as ${article(found.kind)}.`,
  );
}

/** @param {FunctionKind} kind */
function article(kind) {
  return kind === "action" ? "an action" : `a ${kind}`;
}

/** @param {string} path in which a module may have its extension, and a default export no name */
function normalizePath(path) {
  const [modulePath = "", name = "default"] = path.split(":");
  return `${modulePath.replace(/\.js$/, "")}:${name}`;
}

/**
 * @param {string} path
 * @param {string} componentPath
 * @param {string} [what] that has been looked for
 */
function missing(path, componentPath, what = "function") {
  const place = componentPath === "" ? "" : ` in component "${componentPath}"`;
  return new NotFoundError(
    `Could not find ${what} for '${path}'${place}. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`,
  );
}

/**
 * Stands in for the developer's function when the host itself accesses a component's
 * tables.
 *
 * @param {string} componentPath
 * @param {string} name
 * @returns {RunnableFunction}
 */
export function systemFunction(componentPath, name) {
  return {
    componentPath,
    definitionPath: "",
    path: `_system:${name}`,
    kind: "mutation",
    visibility: "internal",
    modulePath: "_system.js",
    name,
    method: "invokeMutation",
    args: { type: "any" },
    returns: null,
    bundle: {
      scripts: new Map(),
      position: () => undefined,
      filesOf: () => [],
    },
  };
}
