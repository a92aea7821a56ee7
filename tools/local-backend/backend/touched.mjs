// @ts-check
/** Tracks which tables a transaction reads and writes. */

/**
 * The tables of a transaction and everything nested in it, each as `<component path>/<table>`.
 *
 * @typedef {object} Touched
 * @property {Set<string>} reads
 * @property {Set<string>} writes
 */

/**
 * Maps Convex's operations to the table that they read or write.
 *
 * @type {Map<string, { how: keyof Touched, tableOf: (args: any) => string }>}
 */
const OPERATIONS = new Map([
  ["1.0/get", { how: "reads", tableOf: ofId }],
  ["1.0/queryStream", { how: "reads", tableOf: ofQuery }],
  ["1.0/queryPage", { how: "reads", tableOf: ofQuery }],
  ["1.0/count", { how: "reads", tableOf: ofName }],
  ["1.0/insert", { how: "writes", tableOf: ofName }],
  ["1.0/replace", { how: "writes", tableOf: ofId }],
  ["1.0/shallowMerge", { how: "writes", tableOf: ofId }],
  ["1.0/remove", { how: "writes", tableOf: ofId }],
]);

/** @param {{ table: string }} args */
function ofName({ table }) {
  return table;
}

/** @param {{ id: string }} args an id of convex-test's: a number and the table */
function ofId({ id }) {
  return id.replace(/^\d+/, "");
}

/** @param {{ query: { source: { tableName?: string, indexName?: string } } }} args */
function ofQuery({ query: { source } }) {
  return source.tableName ?? `${source.indexName}`.split(".")[0] ?? "";
}

/**
 * @param {Touched} touched
 * @param {string} componentPath
 * @param {string} operation
 * @param {any} args
 */
export function noteTouch(touched, componentPath, operation, args) {
  const touch = OPERATIONS.get(operation);
  if (touch) touched[touch.how].add(`${componentPath}/${touch.tableOf(args)}`);
}
