/** Serves the requests of the CLI and of clients about the deployment itself. */
export function infoApi({ instanceName, url, siteUrl }) {
  return {
    "GET /version": () => ({ body: "local" }),
    "GET /instance_name": () => ({ body: instanceName }),
    "GET /api/v1/get_canonical_urls": () => ({
      body: { convexCloudUrl: url, convexSiteUrl: siteUrl },
    }),
  };
}
