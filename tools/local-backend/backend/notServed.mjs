// @ts-check
/** The parts of a push that the local backend doesn't serve. */

const CRONS_MODULE = "crons.js";
const AUTH_MODULE = "auth.config.js";

/** As in `ctx.storage.getUrl(…)`. */
const STORAGE_CALL =
  /\.storage\s*\.\s*(store|get|getUrl|getMetadata|delete|generateUploadUrl)\(/;

/**
 * @param {any} push
 * @param {any} analysis of it
 * @returns {string[]} sentences for the user who pushed
 */
export function notServed(push, { analysis }) {
  /** @type {any[]} */
  const modules = push.appDefinition.changedModules;
  const has = (/** @type {string} */ path) =>
    modules.some((module) => module.path === path);
  const usesStorage = modules.some(({ source }) => STORAGE_CALL.test(source));
  /** @type {any[]} */
  const components = Object.values(analysis);
  const tables = components.flatMap(({ schema }) => schema?.tables ?? []);
  const vectors = tables
    .filter(({ vectorIndexes = [] }) => vectorIndexes.length > 0)
    .map(({ tableName }) => tableName);
  const { httpMounts = {}, childComponents } = analysis[""].definition;
  const configured = childComponents
    .filter((/** @type {any} */ { env = [] }) => env.length > 0)
    .map((/** @type {any} */ { name }) => name);
  return [
    ...(has(CRONS_MODULE) ? ["crons: no cron job of crons.ts runs"] : []),
    ...(usesStorage ? ["file storage: calls of ctx.storage fail"] : []),
    ...(vectors.length > 0
      ? [`vector indexes (of ${vectors.join(", ")}): ctx.vectorSearch fails`]
      : []),
    ...(has(AUTH_MODULE)
      ? [
          "the providers of auth.config.ts: what a user's token says is believed, whoever signed it",
        ]
      : []),
    ...(Object.keys(httpMounts).length > 0
      ? ["HTTP routes of components: they are not found"]
      : []),
    ...(configured.length > 0
      ? [
          `environment variables of components (${configured.join(", ")}): they are unset`,
        ]
      : []),
  ];
}
