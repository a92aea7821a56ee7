import { scripted } from "./scripts.js";
import { manager } from "./workflows.js";

/** Its `authorize` runs the query script "authorize". */
export const {
  listRuns,
  getRun,
  listSteps,
  stats,
  cancel,
  restart,
  cleanup,
  sendEvent,
} = manager.console({
  authorize: (ctx, request) =>
    scripted("query", "authorize")(ctx, request) as Promise<boolean>,
});
