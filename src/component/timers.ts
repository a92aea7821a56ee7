import { v } from "convex/values";
import { internalMutation } from "./_generated/server.js";
import { awaitedStep, recordResult } from "./completing.js";
import { withdrawWait } from "./events.js";

/** Ends a sleep; or an event wait whose event did not come in time, which leaves the line. */
export const fire = internalMutation({
  args: { stepId: v.id("steps"), generationNumber: v.number() },
  returns: v.null(),
  handler: async (ctx, { stepId, generationNumber }) => {
    const awaited = await awaitedStep(ctx, stepId, generationNumber);
    if (!awaited) return null;
    const { step, timer } = awaited.row;
    if (step.kind !== "event") {
      await recordResult(ctx, awaited, {
        result: { kind: "success", returnValue: null },
      });
      return null;
    }
    if (step.eventId) await withdrawWait(ctx, step.eventId, stepId);
    const ms = timer?.ms ?? 0;
    await recordResult(ctx, awaited, {
      result: {
        kind: "failed",
        error: `Timed out: no event "${step.name}" came within ${ms} ms.`,
      },
      failure: { name: "TimeoutError", ms },
    });
    return null;
  },
});
