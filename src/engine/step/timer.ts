import type { MutationCtx } from "../../component/_generated/server.js";
import type { StepExecution } from "../../component/schema.js";
import { delayUntil, startTimer } from "../platform/scheduler.js";
import { awaitedStep, recordResult } from "./completing.js";
import { undoWait } from "./eventWait.js";

/** Ends a sleep, or an event wait whose event didn't arrive in time. The wait is withdrawn. */
export async function fireTimer(ctx: MutationCtx, execution: StepExecution) {
  const awaited = await awaitedStep(ctx, execution);
  if (!awaited) return;
  const { row } = awaited;
  const { _id, step, timer, timeoutMs: ms = 0 } = row;
  if (timer && delayUntil(timer.endsAt) > 0) {
    await ctx.db.patch("steps", _id, {
      timer: await startTimer(ctx, execution, timer.endsAt),
    });
    return;
  }
  if (step.kind !== "event") {
    await recordResult(ctx, awaited, {
      result: { kind: "success", returnValue: null },
    });
    return;
  }
  await undoWait(ctx, row);
  await recordResult(ctx, awaited, {
    result: {
      kind: "failed",
      error: `Timed out: no event "${step.name}" came within ${ms} ms.`,
    },
    failure: { name: "TimeoutError", ms },
  });
}
