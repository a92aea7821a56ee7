import type { FunctionHandle } from "convex/server";
import { v, type ObjectType } from "convex/values";
import {
  canBeHeld,
  drivenStep,
  type DrivenStep,
  type Drive,
  type DriveReply,
  type Held as HeldJournal,
  type StepOutcome,
} from "../../shared/driverProtocol.js";
import { sizeOf } from "../../shared/storable.js";
import { internal } from "../../component/_generated/api.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { ActionCtx, QueryCtx } from "../../component/_generated/server.js";
import { driverOf, vUnrecorded, vShare } from "../run/driverState.js";
import { attempt } from "../step/invoke.js";
import { insist } from "../platform/platformErrors.js";
import type { StepRow } from "../run/runs.js";
import { vDriver } from "../../component/schema.js";

/** How long a driver executes steps before it hands over, if others are waiting. */
const STINT_MS = 3000;

/** After this long, it hands over in any case. */
const LONGEST_MS = 60_000;

/** If slow turns made a driver older than this, it begins no action, because it would lack the time. */
const TOO_OLD_FOR_ACTIONS_MS = 90_000;

/** How often a turn is tried if it is refused or conflicts, before its step falls back to the workpool. */
const TRIES = 4;

/** An action's result must not be lost, so this adds up to four minutes. */
const TRIES_TO_FALL_BACK = 30;

interface Held extends HeldJournal<StepRow> {
  /** JSON text can hold the rows. */
  isJson: boolean;
}
type Reply = DriveReply<StepRow>;

export const driveArgs = {
  ...vDriver,
  workflowHandle: v.string(),
  stepNumber: v.number(),
  isMutation: v.boolean(),
  ...vShare,
};

export const driveReturns = v.union(v.null(), v.object(vUnrecorded));

/**
 * Executes a chain of steps. Each turn gets the outcome of the step before and replies with the next step. The driver
 * exits if there is none, if there is more than one, or if it was detached.
 */
export async function drive(
  ctx: ActionCtx,
  args: ObjectType<typeof driveArgs>,
): Promise<ObjectType<typeof vUnrecorded> | null> {
  const { workflowId, generationNumber, driver, workflowHandle } = args;
  const id = { workflowId, generationNumber, driver };
  const stint = new Stint(args);
  // It reports twice, so that no outcome is lost. A scheduled mutation is repeated until it commits, and the workpool
  // passes on its job's result.
  const fallBackToPool = async (stepNumber: number, outcome?: StepOutcome) => {
    const unrecorded = { stepNumber, outcome };
    await insist(TRIES_TO_FALL_BACK, () =>
      ctx.scheduler.runAfter(0, internal.driving.fallBackToPool, {
        ...id,
        ...unrecorded,
      }),
    ).catch(() => {
      // Only a job that returns passes on its outcome, whether it was scheduled or not.
    });
    return unrecorded;
  };
  // A mutation's turn itself checks whether it is due.
  let next: DrivenStep | null = {
    stepNumber: args.stepNumber,
    unsure: !args.isMutation,
  };
  let held: Held | undefined;
  while (next) {
    const { stepNumber } = next;
    if (next.unsure) {
      const due: DrivenStep | null | "unknown" = await insist(TRIES, () =>
        ctx.runQuery(internal.driving.dueStep, id),
      ).catch(
        // The step hasn't begun, so it hasn't failed.
        () => "unknown" as const,
      );
      if (due === "unknown") return await fallBackToPool(stepNumber);
      if (due?.stepNumber !== stepNumber) return null;
      next = due;
    }
    const { call } = next;
    const isAction = call?.functionType === "action";
    if (isAction && stint.age() > TOO_OLD_FOR_ACTIONS_MS)
      return await fallBackToPool(stepNumber);
    const outcome = call && (await attempt(ctx, call));
    if (next.isRetried && mayRetry(outcome)) return { stepNumber, outcome };
    const shouldHandOver: boolean = await stint.isOver(() =>
      ctx.runQuery(internal.driving.mayHoldOn, { holders: args.holders }),
    );
    const reply = await takeTurn(ctx, workflowHandle, {
      workflowId,
      generationNumber,
      drive: {
        ...{ driver, stepNumber, outcome, shouldHandOver },
        held: held && toArgs(held),
      },
    });
    if (reply === "failed") return await fallBackToPool(stepNumber, outcome);
    next = reply && reply.next;
    held = reply ? merge(held, reply) : undefined;
  }
  return null;
}

/**
 * Limits how long a driver runs. It occupies a slot of the deployment's scheduler, and perhaps one of the workpool. The
 * later it began, the longer the queues are, so the sooner it hands over.
 */
class Stint {
  private readonly startedAt = Date.now();
  private readonly isLate: boolean;
  private until: number;

  constructor({ dueAt, usualLagMs }: ObjectType<typeof vShare>) {
    const late = Math.max(0, this.startedAt - dueAt - usualLagMs);
    this.isLate = late > 0;
    this.until = this.startedAt + Math.max(0, STINT_MS - 10 * late);
  }

  age() {
    return Date.now() - this.startedAt;
  }

  async isOver(mayHoldOn: () => Promise<boolean>): Promise<boolean> {
    const now = Date.now();
    if (now <= this.until) return false;
    if (this.isLate || this.age() > LONGEST_MS) return true;
    this.until = this.startedAt + Math.min(2 * this.age(), LONGEST_MS);
    return !(await mayHoldOn().catch(() => false));
  }
}

/**
 * Whether another attempt may follow this failed one. The workpool reports it, which saves the driver a transaction. If
 * that report is lost, the attempt's outcome is unknown, and it still counts as failed.
 */
const mayRetry = (outcome: StepOutcome | undefined) =>
  outcome?.kind === "failed" && !outcome.nonRetryable;

/** Returns the query or action that a driver executes next, or null if it is no longer the run's driver. */
export async function dueStep(ctx: QueryCtx, id: ObjectType<typeof vDriver>) {
  const row = (await driverOf(ctx, id))?.row;
  return row ? drivenStep(row) : null;
}

/**
 * Whether so few runs have drivers that each driver may continue. A driver that waits for its next attempt doesn't
 * count. Only actions call this, so it conflicts with nothing.
 */
export async function mayHoldOn(
  ctx: QueryCtx,
  { holders }: { holders: number },
) {
  const driven = await ctx.db
    .query("workflows")
    .withIndex("driver", (q) =>
      q.gt("driver.startedAt", 0).lte("driver.startedAt", Date.now()),
    )
    .take(holders + 1);
  return driven.length <= holders;
}

interface DrivenTurn {
  workflowId: Id<"workflows">;
  generationNumber: number;
  drive: Drive<StepRow>;
}

/** Returns null if nothing is left to do, or "failed" if the driver can't take the turn. */
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
      // It may be the reply to a call that had nothing left to do, after an earlier one that committed.
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

/** A text that is much larger than its rows could exceed Convex's limit for arguments. */
function toArgs({ isJson, rows, ...copy }: Held): DrivenTurn["drive"]["held"] {
  const text = isJson ? JSON.stringify(rows) : undefined;
  const isShort = text !== undefined && text.length <= 2 * copy.size;
  return { ...copy, rows: isShort ? [text] : rows };
}

function merge(
  before: Held | undefined,
  { revision, logLevel, rows, isWhole }: Reply,
): Held | undefined {
  if (!rows || (!isWhole && !before)) return undefined;
  const merged = isWhole ? [] : before!.rows;
  let size = isWhole ? 0 : before!.size;
  const form = { isJson: isWhole || before!.isJson };
  for (const row of rows) {
    const replaced = merged[row.stepNumber];
    size += sizeOf(row, form) - (replaced ? sizeOf(replaced) : 0);
    merged[row.stepNumber] = row;
  }
  return canBeHeld({ size, rows: merged })
    ? { revision, logLevel, size, rows: merged, ...form }
    : undefined;
}
