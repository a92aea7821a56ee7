import type { Id } from "../../component/_generated/dataModel.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { invalidArgument } from "../../shared/errors.js";
import { abbreviate } from "../../shared/storable.js";
import { runWithKey } from "../run/runs.js";
import { cancelRuns } from "./cancel.js";

/** How many runs one start cancels. Each one's `onComplete` may start another with the key. */
const MAX_REPLACED = 3;

/**
 * Frees a key for a new run of a workflow. If a run in progress has it, that run is canceled, or its id is returned.
 *
 * @param starter - The run whose handler starts the new one.
 */
export async function claimKey(
  ctx: MutationCtx,
  workflow: { name: string; key: string },
  replaces: boolean,
  starter: string | undefined,
): Promise<Id<"workflows"> | null> {
  const { name, key } = workflow;
  // The canceled run's `onComplete` may start or restart a run with the key.
  for (let tries = 0; tries < MAX_REPLACED; tries++) {
    const running = (await runWithKey(ctx, name, key))?._id;
    if (!running) return null;
    if (!replaces) return running;
    if (running === starter)
      throw invalidArgument(
        `Can't replace workflow ${running} with the key "${abbreviate(key)}": it is the one that starts it. It has its ` +
          `key until it ends. Start the next run in its onComplete.`,
        running,
      );
    await cancelRuns(ctx, [{ workflowId: running }]);
  }
  // Creating the run throws if another run has the key.
  return null;
}
