import { internal } from "../../component/_generated/api.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { StepRow } from "../run/runs.js";
import type { StepExecution } from "../../component/schema.js";
import { LONGEST_LEG_MS } from "../platform/scheduler.js";
import { awaitedStep, recordResult } from "./completing.js";
import { undoWait } from "./eventWait.js";

/** Schedules the end of a sleep or an event wait in `ms` milliseconds. */
export async function startTimer(
  ctx: MutationCtx,
  execution: StepExecution,
  ms: number,
): Promise<NonNullable<StepRow["timer"]>> {
  const scheduledId = await ctx.scheduler.runAfter(
    Math.min(Math.max(0, ms), LONGEST_LEG_MS),
    internal.execute.timer,
    { ...execution, isLastLeg: ms <= LONGEST_LEG_MS },
  );
  return { scheduledId, endsAt: Date.now() + ms };
}

/** Ends a sleep, or an event wait whose event didn't arrive in time. The wait is withdrawn. */
export async function fireTimer(
  ctx: MutationCtx,
  { isLastLeg, ...execution }: StepExecution & { isLastLeg: boolean },
) {
  const awaited = await awaitedStep(ctx, execution);
  if (!awaited) return;
  const { row } = awaited;
  const { _id, step, timer, timeoutMs: ms = 0 } = row;
  if (timer && !isLastLeg) {
    const left = timer.endsAt - Date.now();
    await ctx.db.patch("steps", _id, {
      timer: await startTimer(ctx, execution, left),
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
