import type { FunctionHandle } from "convex/server";
import { v, type ObjectType } from "convex/values";
import {
  canBeHeld,
  type DrivenStep,
  type Drive,
  type DriveReply,
  type Held as HeldJournal,
  type StepCall,
  type StepOutcome,
} from "../shared/driverProtocol.js";
import { sizeOf } from "../shared/storable.js";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import {
  internalAction,
  internalQuery,
  mutation,
  type ActionCtx,
} from "./_generated/server.js";
import { dismissDriver, driverOf, vDriver, vFirstStep } from "./drivers.js";
import { attempt } from "./execute.js";
import { insist } from "./platformErrors.js";
import { parseRunId, type StepRow } from "./runs.js";

/** After so long a driver hands over to a new one, so that long chains share the pool. */
const HAND_OVER_AFTER_MS = 60_000;

/** A driver older than this, of turns that took long, begins no action: it would lack the time. */
const TOO_OLD_FOR_ACTIONS_MS = 90_000;

/** How often a turn that is refused or meets conflicts is tried before its step goes to the pool. */
const TRIES = 4;

/** An action's result must not be lost: four minutes. */
const TRIES_TO_GIVE_UP = 30;

type Held = HeldJournal<StepRow>;
type Reply = DriveReply<StepRow>;

/**
 * Executes a chain of steps: each turn is called with what came of the step before, and says which
 * step is next. It ends when there is none, or more than one, or when it was dismissed.
 */
export const drive = internalAction({
  args: { ...vDriver, workflowHandle: v.string(), ...vFirstStep },
  returns: v.null(),
  handler: async (ctx, args) => {
    const { workflowId, generationNumber, driver, workflowHandle } = args;
    const id = { workflowId, generationNumber, driver };
    const startedAt = Date.now();
    const age = () => Date.now() - startedAt;
    // A scheduled mutation is repeated until it commits.
    const giveUp = async (stepNumber: number, outcome?: StepOutcome) => {
      const args = { ...id, stepNumber, outcome };
      await insist(TRIES_TO_GIVE_UP, () =>
        ctx.scheduler.runAfter(0, internal.recovering.giveUp, args),
      );
      return null;
    };
    // Its job may have waited long.
    let next: DrivenStep | null = { ...firstStep(args), unsure: true };
    let held: Held | undefined;
    while (next) {
      const { stepNumber, call, unsure } = next;
      const isAction = call?.functionType === "action";
      if (isAction && unsure) {
        const asked = { ...id, stepNumber };
        const isDue = await insist(TRIES, () =>
          ctx.runQuery(internal.driving.isDue, asked),
        ).catch(
          // Not begun, it has not failed.
          () => "unknown" as const,
        );
        if (isDue === "unknown") return await giveUp(stepNumber);
        if (!isDue) return null;
      }
      if (isAction && age() > TOO_OLD_FOR_ACTIONS_MS)
        return await giveUp(stepNumber);
      const outcome = call && (await attempt(ctx, call));
      const handsOver = age() > HAND_OVER_AFTER_MS;
      const reply = await takeTurn(ctx, workflowHandle, {
        workflowId,
        generationNumber,
        drive: { driver, stepNumber, outcome, handsOver, held },
      });
      if (reply === "failed") return await giveUp(stepNumber, outcome);
      next = reply && reply.next;
      held = reply ? merge(held, reply) : undefined;
    }
    return null;
  },
});

function firstStep(args: ObjectType<typeof vFirstStep>): DrivenStep {
  const { stepNumber, functionType, handle, name } = args;
  if (handle === undefined) return { stepNumber };
  const call = { functionType, handle, args: args.args as unknown, name };
  return { stepNumber, call: call as StepCall };
}

/** Whether an action may begin: it is still to be executed by this driver. */
export const isDue = internalQuery({
  args: { ...vDriver, stepNumber: v.number() },
  returns: v.boolean(),
  handler: async (ctx, { stepNumber, ...id }) =>
    (await driverOf(ctx, id))?.row?.stepNumber === stepNumber,
});

interface DrivenTurn {
  workflowId: Id<"workflows">;
  generationNumber: number;
  drive: Drive<StepRow>;
}

/** Null when there is nothing left to do; "failed" when the turn can't be taken from here. */
async function takeTurn(
  ctx: ActionCtx,
  workflowHandle: string,
  turn: DrivenTurn,
): Promise<Reply | null | "failed"> {
  const handle = workflowHandle as FunctionHandle<"mutation">;
  try {
    return await insist(TRIES, async (before) => {
      const reply: unknown = await ctx.runMutation(handle, turn);
      if (isDriveReply(reply)) return reply;
      // It may be the answer to a call that had nothing left to do, after one that had committed.
      return before > 0 ? "failed" : null;
    });
  } catch {
    // Any other error would recur, so the turn isn't repeated together with its step.
    return "failed";
  }
}

const isDriveReply = (reply: unknown): reply is Reply =>
  typeof reply === "object" &&
  reply !== null &&
  (reply as Reply).kind === "driving";

function merge(
  before: Held | undefined,
  { revision, logLevel, rows, isWhole }: Reply,
): Held | undefined {
  if (!rows || (!isWhole && !before)) return undefined;
  const merged = isWhole ? [] : before!.rows;
  let size = isWhole ? 0 : before!.size;
  for (const row of rows) {
    const replaced = merged[row.stepNumber];
    size += sizeOf(row) - (replaced ? sizeOf(replaced) : 0);
    merged[row.stepNumber] = row;
  }
  return canBeHeld({ size, rows: merged })
    ? { revision, logLevel, size, rows: merged }
    : undefined;
}

/** A turn left its driver without a step to execute. */
export const dismiss = mutation({
  args: { workflowId: v.string(), driver: v.number() },
  returns: v.null(),
  handler: async (ctx, { workflowId, driver }) => {
    const run = await ctx.db.get("workflows", parseRunId(ctx, workflowId));
    if (run?.drivers === driver) await dismissDriver(ctx, run);
    return null;
  },
});
