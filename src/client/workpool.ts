// Apart from the index, so that bundles of apps that use neither leave out workpool's modules.
export { NonRetryableError, vResultValidator } from "@convex-dev/workpool";
