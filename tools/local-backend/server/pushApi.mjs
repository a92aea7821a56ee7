/** Serves `convex dev`, `convex deploy` and `convex codegen`. */
import { requireAdmin } from "./authorization.mjs";
import { HttpError } from "./http.mjs";

/**
 * @param {object} options
 * @param {Pick<import("../backend/types.mjs").Deployment, "analyze" | "deploy">} options.deployment
 * @param {(report: import("../backend/types.mjs").DeployReport) => void} options.onDeployed
 */
export function pushApi({ deployment, onDeployed }) {
  /** The push that was analyzed last. Finishing it deploys it. */
  let started = { id: 0 };

  async function startPush(request) {
    const analysis = await refusedIfThrows(() => deployment.analyze(request));
    if (request.dryRun) return analysis;
    started = { id: started.id + 1, request };
    // The CLI sends the whole reply back when it finishes the push.
    return { ...analysis, localPushId: started.id };
  }

  async function finishPush({ startPush: reply, dryRun }) {
    if (dryRun) return pushDiff({});
    const { id, request } = started;
    if (reply.localPushId !== id) {
      throw new HttpError(400, "RaceDetected", "Another push came in between.");
    }
    const deployed = await refusedIfThrows(() => deployment.deploy(request));
    onDeployed(deployed);
    return pushDiff(deployed);
  }

  const admin = (answer) => async (request) => {
    requireAdmin(request.caller);
    return { body: await answer(request.body) };
  };
  return {
    // Reports no module as known, so that the CLI sends every module.
    "POST /api/get_config_hashes": admin(() => ({
      config: { functions: "convex/", modules: [], authInfo: [] },
      moduleHashes: [],
      nodeDependencies: [],
    })),
    "POST /api/deploy2/start_push": admin(startPush),
    "POST /api/deploy2/finish_push": admin(finishPush),
    // Finishing a push checks documents against the new schema and indexes them.
    "POST /api/deploy2/wait_for_schema": admin(() => ({ type: "complete" })),
    "POST /api/deploy2/evaluate_schema": admin(() => ({
      componentSchemaEvaluations: {},
      newComponentDefinitions: [],
    })),
    "POST /api/deploy2/report_push_completed": admin(() => ({})),
  };
}

/** Turns errors into a refused push, whose message the CLI prints. */
async function refusedIfThrows(step) {
  try {
    return await step();
  } catch (error) {
    const { code = "PushRefused", message } = error;
    throw new HttpError(400, code, message);
  }
}

/** The CLI's report of a push. */
function pushDiff({ addedComponents = [], removedComponents = [] }) {
  return {
    authDiff: { added: [], removed: [] },
    definitionDiffs: {},
    componentDiffs: Object.fromEntries([
      ...addedComponents.map((path) => [path, componentDiff("create")]),
      ...removedComponents.map((path) => [path, componentDiff("unmount")]),
    ]),
  };
}

function componentDiff(type) {
  return {
    diffType: { type },
    moduleDiff: { added: [], removed: [] },
    udfConfigDiff: null,
    cronDiff: { added: [], updated: [], deleted: [] },
    indexDiff: { added_indexes: [], removed_indexes: [] },
    schemaDiff: null,
  };
}
