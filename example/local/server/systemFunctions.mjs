/**
 * The queries of Convex itself that the CLI subscribes to. It waits for their
 * results for ever, so those that are missing must fail.
 *
 * @param {object} options
 * @param {Pick<import("../engine/types.mjs").Deployment, "functionsSpec">} options.deployment
 * @param {string} options.url
 * @returns {Record<string, (componentPath: string) => unknown>}
 */
export function createSystemFunctions({ deployment, url }) {
  return {
    "_system/cli/modules:apiSpec": (componentPath) =>
      deployment.functionsSpec(componentPath),
    "_system/cli/convexUrl:cloudUrl": () => url,
  };
}
