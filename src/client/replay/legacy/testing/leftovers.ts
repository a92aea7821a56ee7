import type { Deployment } from "./deployment.js";
import type { Rows } from "./golden.js";

const COMPONENTS = ["workflow", "workflow/workpool"];

/** Returns the failures and the remaining work of an idle deployment. There should be none. */
export async function leftoversIn(deployment: Deployment): Promise<unknown[]> {
  return [
    ...(await deployment.poolRows("work")),
    ...(await deployment.poolRows("pendingCompletion")),
    ...(await deployment.rows("onCompleteFailures")),
    ...(await scheduledIn(deployment, "failed")),
    ...(await scheduledIn(deployment, "pending")),
  ];
}

/** Returns the scheduled functions in a state. None may fail. */
export async function scheduledIn(
  deployment: Deployment,
  state: "failed" | "pending",
): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const path of COMPONENTS)
    await deployment.inComponent(path, async ({ db }) => {
      const all = await db.system.query("_scheduled_functions").collect();
      found.push(...all.filter((each) => each.state.kind === state));
    });
  return found;
}

/** Returns the rows of completed steps, which are never written again. */
export const doneSteps = ({ steps }: Rows) =>
  steps.filter(({ step }) => !step.inProgress);
