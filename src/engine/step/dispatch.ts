import { createFunctionHandle } from "convex/server";
import { drivenStep } from "../../shared/driverProtocol.js";
import { internal } from "../../component/_generated/api.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Config } from "../platform/config.js";
import { enqueue, type Job } from "../platform/workpool.js";
import {
  canDrive,
  isAttached,
  startDriver,
  type DueStep,
} from "../run/driverState.js";
import { isLegacy } from "../../shared/replayVersion.js";
import { generationOf, type Run } from "../run/runs.js";
import type { ExecutionMode, StepExecution } from "../../component/schema.js";

/** The facts about a turn that decide how its steps are executed. */
export interface StartingTurn {
  /** Function steps and children in flight before this turn starts steps. */
  inFlight: number;
  /** The option of the workflow's definition or manager. */
  execution?: ExecutionMode;
  /** The driver that takes this turn, and whether it hands over to another. */
  caller?: {
    driver: number;
    shouldHandOver: boolean;
    willReceiveReply: boolean;
  };
}

/** How one step is executed: by a job of the workpool, or by a driver. */
export type StepExecutor =
  | { workId: string; drivenBy?: undefined }
  | { drivenBy: number; workId?: undefined };

/**
 * Decides how steps are executed, and starts them. A driver executes a step that is alone in flight and due now. The
 * transaction that records its result then starts the next.
 */
export async function execute(
  ctx: MutationCtx,
  run: Run,
  due: DueStep[],
  {
    turn,
    children,
    config,
  }: { turn: StartingTurn; children: number; config: Config },
): Promise<StepExecutor[]> {
  const [only] = due;
  const mode = run.execution ?? turn.execution ?? config.execution;
  const alone = due.length === 1 && turn.inFlight === 0 && children === 0;
  if (
    !only ||
    !alone ||
    mode === "pool" ||
    isLegacy(run) ||
    only.runAt > Date.now()
  )
    return await executeInPool(ctx, run, due, config);
  const { caller } = turn;
  // Nothing would execute the step of a driver that the run no longer has.
  if (
    caller &&
    isAttached(run, caller.driver) &&
    !caller.shouldHandOver &&
    canDrive(run, only, config)
  )
    return [{ drivenBy: caller.driver }];
  return [{ drivenBy: await startDriver(ctx, run, only, config) }];
}

/** Enqueues each step as a separate job. */
export async function executeInPool(
  ctx: MutationCtx,
  run: Run,
  due: DueStep[],
  config: Config,
): Promise<StepExecutor[]> {
  if (due.length === 0) return [];
  const toJob = await poolJobs(run);
  const workIds = await enqueue(ctx, due.map(toJob), config);
  return workIds.map((workId) => ({ workId }));
}

/**
 * A mutation runs inside the transaction that records its result, so both commit together or neither does. Queries
 * and actions run outside it, so a run doesn't conflict with the data that its queries read. Their jobs report to
 * `pool:actionOnComplete`.
 */
async function poolJobs(run: Run): Promise<(due: DueStep) => Job> {
  const [transaction, action, transactionCrashed, actionDone] =
    await Promise.all([
      createFunctionHandle(internal.execute.transaction),
      createFunctionHandle(internal.execute.action),
      createFunctionHandle(internal.pool.onComplete),
      createFunctionHandle(internal.pool.actionOnComplete),
    ]);
  return ({ stepNumber, step, runAt }) => {
    const context: StepExecution = { ...generationOf(run), stepNumber };
    const common = { name: step.name, runAt };
    const { call } = drivenStep({ stepNumber, step });
    if (call)
      return {
        ...common,
        type: "action",
        handle: action,
        args: call,
        onComplete: { handle: actionDone, context },
      };
    return {
      ...common,
      type: "mutation",
      handle: transaction,
      args: { ...context },
      onComplete: { handle: transactionCrashed, context, exclude: ["success"] },
    };
  };
}
