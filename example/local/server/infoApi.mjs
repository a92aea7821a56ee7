/** What the CLI and clients ask about the deployment itself. */
export function infoApi({ instanceName, url }) {
  return {
    "GET /version": () => ({ body: "local" }),
    "GET /instance_name": () => ({ body: instanceName }),
    // HTTP actions are not served, so the second is but a name.
    "GET /api/v1/get_canonical_urls": () => ({
      body: { convexCloudUrl: url, convexSiteUrl: url },
    }),
  };
}
