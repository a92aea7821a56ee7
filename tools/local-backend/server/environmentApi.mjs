/** Serves `npx convex env set` and `remove`. `list` and `get` are system functions. */
import { requireAdmin } from "./authorization.mjs";
import { HttpError } from "./http.mjs";

/** @param {Pick<import("../backend/types.mjs").Deployment, "changeEnvironment">} deployment */
export function environmentApi(deployment) {
  return {
    "POST /api/update_environment_variables": ({ caller, body }) => {
      requireAdmin(caller);
      try {
        deployment.changeEnvironment(body.changes);
      } catch (error) {
        throw new HttpError(400, "InvalidVariable", error.message);
      }
      return {};
    },
  };
}
