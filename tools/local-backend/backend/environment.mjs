// @ts-check
import { FunctionError } from "./errors.mjs";

/** @import { EnvironmentChange } from "./types.mjs" */

const VALID_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The environment variables that functions of the app see. */
export class Environment {
  #variables;
  /** Variables that the deployment sets. They aren't listed and can't be changed. */
  #builtIn = new Map();

  /** @param {Record<string, string>} variables */
  constructor(variables) {
    this.#variables = new Map(Object.entries(variables));
  }

  /** @param {string} name */
  get(name) {
    return this.#builtIn.get(name) ?? this.#variables.get(name);
  }

  /** Includes variables that the deployment sets. @returns {Record<string, string>} */
  all() {
    return Object.fromEntries([...this.#variables, ...this.#builtIn]);
  }

  /** @param {{ url: string, siteUrl: string }} urls at which the deployment is served */
  setUrls({ url, siteUrl }) {
    this.#builtIn.set("CONVEX_CLOUD_URL", url);
    this.#builtIn.set("CONVEX_SITE_URL", siteUrl);
  }

  /** Sorted by name. */
  list() {
    const variables = [...this.#variables].map(([name, value]) => ({
      name,
      value,
    }));
    return variables.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Throws without any change if a variable can't be changed.
   *
   * @param {EnvironmentChange[]} changes
   */
  change(changes) {
    for (const { name } of changes) this.#checkName(name);
    for (const { name, value } of changes)
      if (value === null) this.#variables.delete(name);
      else this.#variables.set(name, value);
  }

  /** @param {string} name */
  #checkName(name) {
    if (this.#builtIn.has(name))
      throw new FunctionError(
        `"${name}" is set by the deployment and can't be changed`,
      );
    if (!VALID_NAME.test(name))
      throw new FunctionError(
        `"${name}" is no name of an environment variable: it must consist of letters, digits and underscores, and not begin with a digit`,
      );
  }
}
