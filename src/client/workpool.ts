// Separate from the index, so that bundles of apps that use neither omit workpool's modules.
export { NonRetryableError, vResultValidator } from "@convex-dev/workpool";
