import type { Deployment } from "./deployment.js";
import type { Rows } from "./golden.js";

const COMPONENTS = ["workflow", "workflow/workpool"];

/** What is wrong with a deployment that has come to rest: nothing is due, nothing was lost on the way. */
export async function leftoversIn(deployment: Deployment): Promise<unknown[]> {
  return [
    ...(await deployment.poolRows("work")),
    ...(await deployment.poolRows("pendingCompletion")),
    ...(await deployment.rows("onCompleteFailures")),
    ...(await scheduledIn(deployment, "failed")),
    ...(await scheduledIn(deployment, "pending")),
  ];
}

/** Scheduled functions in a state: none of ours may fail. */
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

/** The rows of steps that had a result. They are never written again. */
export const doneSteps = ({ steps }: Rows) =>
  steps.filter(({ step }) => !step.inProgress);
