import { vResult, vWorkId } from "@convex-dev/workpool";
import type { FunctionHandle } from "convex/server";
import { v, type Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import {
  internalAction,
  internalMutation,
  mutation,
  type ActionCtx,
  type MutationCtx,
} from "./_generated/server.js";
import { recordResult } from "./completing.js";
import { readConfig } from "./config.js";
import { dismissDriver, DRIVER_CHECK_MS, vDrivenStep } from "./drivers.js";
import {
  attemptAction,
  vActionOutcome,
  type ActionOutcome,
} from "./execute.js";
import { executeInPool } from "./execution.js";
import type { LogLevel } from "./logging.js";
import { actionOutcome, toOutcome } from "./pool.js";
import { retryStep } from "./retrying.js";
import { parseRunId, stepsInFlight, type Run, type StepRow } from "./runs.js";
import type { DrivenStep, DriveReply } from "../shared/driving.js";
import { sizeOf } from "../shared/storable.js";
import { wake } from "./waking.js";

/** After so long a driver hands over to a new one, so that long chains share the pool. */
const HAND_OVER_AFTER_MS = 60_000;

/** A larger journal is read again by every turn, instead of being handed over. */
const MAX_HELD_BYTES = 4 * (1 << 20);

/** One array may hold 8,192. */
const MAX_HELD_ROWS = 8000;

/** How often a turn that met with conflicts is tried again before its step goes to the pool. */
const CONFLICTS = 3;

const vDriver = {
  workflowId: v.id("workflows"),
  generationNumber: v.number(),
  driver: v.number(),
};

/** The copy of the journal that a driver holds. */
interface Held {
  revision: number;
  size: number;
  logLevel: LogLevel;
  rows: StepRow[];
}

type Reply = DriveReply<StepRow>;

/**
 * Executes a chain of steps: each turn is called with what came of the step before, and says which
 * step is next. It ends when there is none, or more than one, or when it was dismissed.
 */
export const drive = internalAction({
  args: { ...vDriver, workflowHandle: v.string(), due: vDrivenStep },
  returns: v.null(),
  handler: async (ctx, { workflowHandle, due, ...id }) => {
    const startedAt = Date.now();
    let next: DrivenStep | null = due;
    let held: Held | undefined;
    while (next) {
      const { stepNumber, action } = next;
      const outcome = action && (await attemptAction(ctx, action));
      const handsOver = Date.now() - startedAt > HAND_OVER_AFTER_MS;
      const reply = await takeTurn(ctx, workflowHandle, {
        ...id,
        drive: { stepNumber, outcome, handsOver, held },
      });
      if (reply === "failed") {
        // A scheduled mutation is repeated until it commits.
        await ctx.scheduler.runAfter(0, internal.driving.giveUp, {
          ...id,
          stepNumber,
          outcome,
        });
        return null;
      }
      next = reply && reply.next;
      held = reply ? merge(held, reply) : undefined;
    }
    return null;
  },
});

interface DrivenTurn {
  workflowId: Id<"workflows">;
  generationNumber: number;
  driver: number;
  drive: {
    stepNumber: number;
    outcome: ActionOutcome | undefined;
    handsOver: boolean;
    held: Held | undefined;
  };
}

/** Null when there is nothing left to do; "failed" when the turn can't be taken from here. */
async function takeTurn(
  ctx: ActionCtx,
  workflowHandle: string,
  { driver, drive, ...turn }: DrivenTurn,
): Promise<Reply | null | "failed"> {
  const handle = workflowHandle as FunctionHandle<"mutation">;
  for (let tries = 0; ; tries++)
    try {
      const reply: unknown = await ctx.runMutation(handle, {
        ...turn,
        drive: { driver, ...drive },
      });
      return isDriveReply(reply) ? reply : null;
    } catch (error) {
      // Whatever else it failed of, as a whole it would fail of again.
      if (tries >= CONFLICTS || !isConflict(error)) return "failed";
    }
}

const isDriveReply = (reply: unknown): reply is Reply =>
  typeof reply === "object" &&
  reply !== null &&
  (reply as Reply).kind === "driving";

const isConflict = (error: unknown) =>
  /OptimisticConcurrencyControl|conflict|changed while/i.test(String(error));

function merge(
  before: Held | undefined,
  { revision, logLevel, rows, isWhole }: Reply,
): Held | undefined {
  if (!isWhole && !before) return undefined;
  const merged = isWhole ? [] : before!.rows;
  let size = isWhole ? 0 : before!.size;
  for (const row of rows) {
    const replaced = merged[row.stepNumber];
    size += sizeOf(row) - (replaced ? sizeOf(replaced) : 0);
    merged[row.stepNumber] = row;
  }
  return size > MAX_HELD_BYTES || merged.length > MAX_HELD_ROWS
    ? undefined
    : { revision, logLevel, size, rows: merged };
}

/** The run, if `driver` is still its driver, and the step that it has to execute. */
async function driverOf(
  ctx: MutationCtx,
  id: { workflowId: Id<"workflows">; generationNumber: number; driver: number },
): Promise<{ run: Run; row: StepRow | undefined } | null> {
  const run = await ctx.db.get("workflows", id.workflowId);
  if (run?.generationNumber !== id.generationNumber) return null;
  if (!run.driver || run.drivers !== id.driver) return null;
  for await (const row of stepsInFlight(ctx, run._id))
    if (row.drivenBy === id.driver) return { run, row };
  return { run, row: undefined };
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

/**
 * A driver could not take a turn together with its step: the step is recorded alone, the turn taken
 * alone.
 */
export const giveUp = internalMutation({
  args: {
    ...vDriver,
    stepNumber: v.number(),
    outcome: v.optional(vActionOutcome),
  },
  returns: v.null(),
  handler: async (ctx, { stepNumber, outcome, ...id }) => {
    const found = await driverOf(ctx, id);
    if (!found) return null;
    const { run, row } = found;
    await dismissDriver(ctx, run);
    // It had committed, and the next step is in flight without having begun.
    if (!row) await wake(ctx, run);
    else if (row.stepNumber !== stepNumber || !outcome)
      await moveToPool(ctx, run, row);
    else await recordAlone(ctx, run, row, outcome);
    return null;
  },
});

async function moveToPool(ctx: MutationCtx, run: Run, row: StepRow) {
  if (!("functionType" in row.step)) return;
  const { step, stepNumber } = row;
  const [workId] = await executeInPool(
    ctx,
    run,
    [{ stepNumber, step, runAt: Date.now() }],
    await readConfig(ctx),
  );
  await ctx.db.patch("steps", row._id, {
    step: { ...step, workId },
    drivenBy: undefined,
  });
}

async function recordAlone(
  ctx: MutationCtx,
  run: Run,
  row: StepRow,
  outcome: Infer<typeof vActionOutcome>,
) {
  if (outcome.kind === "failed" && !outcome.nonRetryable)
    if (await retryStep(ctx, { row, run }, outcome.error)) return;
  await recordResult(ctx, { row, run }, toOutcome(outcome));
}

/**
 * Told by the pool that a driver died or was canceled. A query or mutation that it was to execute has
 * not happened, or it would be recorded; an action may have.
 */
export const onComplete = internalMutation({
  args: { workId: vWorkId, result: vResult, context: v.object(vDriver) },
  returns: v.null(),
  handler: async (ctx, { result, context }) => {
    const found = await driverOf(ctx, context);
    if (!found) return null;
    const { run, row } = found;
    await dismissDriver(ctx, run);
    if (!row) await wake(ctx, run);
    else if (isAction(row)) {
      const outcome = actionOutcome(result);
      if (outcome.kind === "canceled")
        await recordResult(ctx, { row, run }, { result: outcome });
      else await recordAlone(ctx, run, row, outcome);
    } else await moveToPool(ctx, run, row);
    return null;
  },
});

const isAction = ({ step }: StepRow) =>
  "functionType" in step && step.functionType === "action";

/** Takes a run over from a driver that has not got on with a query or mutation since the last check. */
export const check = internalMutation({
  args: { ...vDriver, stepNumber: v.number() },
  returns: v.null(),
  handler: async (ctx, { stepNumber, ...id }) => {
    const found = await driverOf(ctx, id);
    if (!found?.row) return null;
    const { run, row } = found;
    if (row.stepNumber === stepNumber && !isAction(row)) {
      await dismissDriver(ctx, run);
      await moveToPool(ctx, run, row);
      return null;
    }
    const checkId = await ctx.scheduler.runAfter(
      DRIVER_CHECK_MS,
      internal.driving.check,
      { ...id, stepNumber: row.stepNumber },
    );
    await ctx.db.patch("workflows", run._id, {
      driver: { ...run.driver!, checkId },
    });
    return null;
  },
});
