import { vWorkId } from "@convex-dev/workpool";
import { v, type ObjectType } from "convex/values";
import type { MutationCtx } from "../../component/_generated/server.js";
import { vDriver } from "../../component/schema.js";
import { vRunResult } from "../../shared/outcome.js";
import { vUnrecorded } from "../run/driverState.js";
import {
  executeAgain,
  recordAttempt,
  replaceDriver,
  takeOver,
} from "../step/attempts.js";
import { recordResult } from "../step/completing.js";

export const fallBackArgs = { ...vDriver, ...vUnrecorded };

/**
 * Detaches a driver and continues its step without it. Records the outcome that the driver couldn't record, schedules
 * the next attempt of a failed action, or executes a step that didn't begin in the pool.
 */
export const fallBackToPool = (
  ctx: MutationCtx,
  { stepNumber, outcome, ...id }: ObjectType<typeof fallBackArgs>,
) =>
  replaceDriver(ctx, id, async (step) => {
    // Otherwise nothing ran that isn't recorded: the step has no outcome, or its turn committed and the next is in flight.
    if (outcome && step.row.stepNumber === stepNumber)
      await recordAttempt(ctx, step, outcome);
    else await executeAgain(ctx, step);
  });

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
    if (unrecorded) await fallBackToPool(ctx, { ...context, ...unrecorded });
    return;
  }
  await replaceDriver(ctx, context, async (step) => {
    if (result.kind === "canceled") await recordResult(ctx, step, { result });
    else await takeOver(ctx, step, result);
  });
}
