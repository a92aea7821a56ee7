import { vWorkId } from "@convex-dev/workpool";
import { v, type ObjectType } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import { vDriver } from "../../component/schema.js";
import { vRunResult } from "../../shared/outcome.js";
import { detachDriver, driverOf, vUnrecorded } from "../run/driverState.js";
import type { Run } from "../run/runs.js";
import { wake } from "../run/waking.js";
import { recordAttempt, takeOver } from "../step/attempts.js";
import { recordResult } from "../step/completing.js";
import { executeAgain } from "../step/retrying.js";

export const fallBackArgs = { ...vDriver, ...vUnrecorded };

/** A driver couldn't take a turn together with its step, so this records the step and takes the turn separately. */
export async function fallBackToPool(
  ctx: MutationCtx,
  { stepNumber, outcome, ...id }: ObjectType<typeof fallBackArgs>,
) {
  await settle(ctx, id, { stepNumber, outcome });
}

async function settle(
  ctx: MutationCtx,
  id: ObjectType<typeof vDriver>,
  { stepNumber, outcome }: ObjectType<typeof vUnrecorded>,
) {
  const found = await driverOf(ctx, id);
  if (!found) return;
  const { run, row } = found;
  await detachDriver(ctx, run);
  if (!row) return await wakeUnended(ctx, run);
  const step = { row, run };
  // Otherwise nothing ran that isn't recorded: the step has no outcome, or its turn committed and the next is in flight.
  if (row.stepNumber === stepNumber && outcome)
    await recordAttempt(ctx, step, outcome);
  else await executeAgain(ctx, step);
}

async function wakeUnended(ctx: MutationCtx, run: Run) {
  if (!run.runResult) await wake(ctx, run);
}

export const onCompleteArgs = {
  workId: vWorkId,
  result: vRunResult(),
  context: v.object(vDriver),
};

/** The workpool calls this after a driver ended, crashed or was canceled. */
export async function onComplete(
  ctx: MutationCtx,
  { result, context }: ObjectType<typeof onCompleteArgs>,
) {
  if (result.kind === "success") {
    const unrecorded = result.returnValue as ObjectType<
      typeof vUnrecorded
    > | null;
    if (unrecorded) await settle(ctx, context, unrecorded);
    return;
  }
  const found = await driverOf(ctx, context);
  if (!found) return;
  const { run, row } = found;
  await detachDriver(ctx, run);
  if (!row) await wakeUnended(ctx, run);
  else if (result.kind === "canceled")
    await recordResult(ctx, { row, run }, { result });
  else await takeOver(ctx, { row, run }, result);
}
