// The functions of the console. `example/src` shows it at /console.
import { workflow } from "./workflow.js";

export const {
  listRuns,
  getRun,
  listSteps,
  stats,
  cancel,
  restart,
  cleanup,
  sendEvent,
} = workflow.console({
  // Everyone may do everything, because this example runs on your machine. In an app, check who calls:
  // `(await ctx.auth.getUserIdentity())?.role === "admin"`.
  authorize: () => true,
});
