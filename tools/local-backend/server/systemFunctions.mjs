/**
 * Convex's system queries, to which the CLI subscribes. The CLI waits for their
 * results forever, so unknown ones must fail.
 *
 * @typedef {import("../backend/types.mjs").Deployment} Deployment
 * @typedef {(args: any, componentPath: string) => unknown} SystemQuery
 *
 * @param {object} options
 * @param {Pick<Deployment, "functionsSpec" | "environment" | "tables" | "rows">} options.deployment
 * @param {string} options.url
 * @returns {Record<string, SystemQuery>}
 */
export function createSystemFunctions({ deployment, url }) {
  return {
    "_system/cli/modules:apiSpec": (_args, componentPath) =>
      deployment.functionsSpec(componentPath),
    "_system/cli/convexUrl:cloudUrl": () => url,
    ...environmentQueries(deployment),
    ...dataQueries(deployment),
  };
}

/** The queries of `npx convex env`. @returns {Record<string, SystemQuery>} */
function environmentQueries(deployment) {
  return {
    "_system/cli/queryEnvironmentVariables:default": () =>
      deployment.environment(),
    "_system/cli/queryEnvironmentVariables:get": ({ name: wanted }) =>
      deployment.environment().find(({ name }) => name === wanted) ?? null,
  };
}

/** The queries of `npx convex data`. @returns {Record<string, SystemQuery>} */
function dataQueries(deployment) {
  return {
    "_system/cli/tables:default": ({ paginationOpts }, componentPath) => {
      const tables = deployment.tables(componentPath);
      return pageOf(
        tables.map((name) => ({ name })),
        paginationOpts,
      );
    },
    "_system/cli/tableData:default": async (args, componentPath) => {
      const { table, order, paginationOpts } = args;
      const rows = await deployment.rows(table, componentPath);
      return pageOf(order === "asc" ? rows : rows.reverse(), paginationOpts);
    },
    "_system/cli/tableSize:default": async ({ tableName }, componentPath) =>
      (await deployment.rows(tableName, componentPath)).length,
  };
}

/** Returns a page as `paginate()` does. The cursor is the number of earlier items. */
function pageOf(all, { cursor, numItems }) {
  const start = Number(cursor ?? 0);
  const end = start + numItems;
  return {
    page: all.slice(start, end),
    isDone: end >= all.length,
    continueCursor: `${end}`,
  };
}
