import { codedError, invalidArgument } from "../../shared/errors.js";
import { STEPS_PER_BATCH } from "../../shared/limits.js";
import { abbreviate } from "../../shared/storable.js";
import { Budget, isHalfUnused } from "../../shared/transactionBudget.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import type { Generation } from "../../component/schema.js";
import { deleteChild } from "./cleanup.js";
import { detachDriver } from "../run/driverState.js";
import { readConfig, type Config } from "../platform/config.js";
import { undoWait } from "../step/eventWait.js";
import { COST, releaseStep } from "./releasing.js";
import { REPLAY_VERSION } from "../../shared/replayVersion.js";
import {
  generationOf,
  isInFlight,
  checkKeyIsFree,
  lastStep,
  runOf,
  updateRun,
  type Run,
  type RunChanges,
  type StepRow,
} from "../run/runs.js";
import { scheduleDue } from "../run/dueTask.js";
import { scheduleTask } from "../platform/tasks.js";
import { callWithTrials } from "../turn/trials.js";
import { enqueueTurns } from "../run/waking.js";

/** Where a restart begins. Without either field, nothing is deleted. */
export interface RestartPlace {
  from?: number | string;
  /** Begin at the last failed step. */
  fromFailure?: boolean;
}

/** Refuses a place that no run can have. */
export function checkPlace(
  { from, fromFailure }: RestartPlace,
  what = "restart",
) {
  const refuse = (message: string) => invalidArgument(message);
  if (from !== undefined && fromFailure)
    throw refuse(
      `Invalid options of ${what}: from and fromFailure exclude each other. Give one of them.`,
    );
  if (typeof from !== "number") return;
  if (from < 0) throw refuse(`Step number cannot be negative: ${from}`);
  if (!Number.isInteger(from))
    throw refuse(`Step number must be a whole number: ${from}`);
}

/**
 * Begins a run again under a new generation. Steps from `from` on are deleted, steps in flight before it are marked
 * to start again, and results delivered after it count as newly arrived.
 */
export async function restartRun(
  ctx: MutationCtx,
  run: Run,
  options: RestartPlace & { startAsync: boolean },
) {
  checkPlace(options);
  if (!run.runResult)
    throw codedError(
      "WORKFLOW_RUNNING",
      `Workflow is still running: ${run._id}`,
      run._id,
    );
  // Another run may have the key by now.
  await checkKeyIsFree(ctx, run, `restart workflow ${run._id} ("${run.name}")`);
  const config = await readConfig(ctx);
  const from = options.fromFailure
    ? await lastFailure(ctx, run)
    : await firstDeleted(ctx, run, options.from, config);
  await detachDriver(ctx, run, { cancelsJob: true });
  const begun = {
    generationNumber: run.generationNumber + 1,
    runResult: undefined,
    endedAt: undefined,
    failedAt: undefined,
    pendingTurn: undefined,
    trials: undefined,
    progress: undefined,
    timedOut: undefined,
  };
  const dueTask = await scheduleDue(ctx, { ...run, ...begun });
  const isFull = options.startAsync ? batchIsFull() : transactionIsFull(ctx);
  const rewound = await rewind(ctx, run, from, isFull);
  if (rewound.restarting && !options.startAsync)
    throw new Error(
      `Workflow ${run._id} is too large to be restarted in one transaction. Pass startAsync: true to do it in several.`,
    );
  await updateRun(ctx, run, { ...begun, dueTask, ...rewound });
  config.log.event("retry", {
    workflowId: run._id,
    workflowName: run.name,
    name: run.name,
    from: options.fromFailure ? from : options.from,
  });
  if (rewound.restarting) return await scheduleRest(ctx, run);
  if (options.startAsync) return await enqueueTurns(ctx, [{ run }], config);
  await callWithTrials(ctx, run);
}

/** Returns the number of the first step to delete, or Infinity if all are kept with their deliveries. */
async function firstDeleted(
  ctx: MutationCtx,
  run: Run,
  from: number | string | undefined,
  config: Config,
): Promise<number> {
  if (typeof from === "string") {
    const named = await ctx.db
      .query("steps")
      .withIndex("name", (q) =>
        q.eq("workflowId", run._id).eq("step.name", from),
      )
      .order("desc")
      .first();
    if (!named)
      throw invalidArgument(
        `Step "${abbreviate(from)}" not found in workflow ${run._id}`,
        run._id,
      );
    return named.stepNumber;
  }
  const last = await lastStep(ctx, run._id);
  const end = last ? last.stepNumber + 1 : 0;
  if (from !== undefined && from < end) return from;
  if (from !== undefined && from > 0)
    config.log.warn(
      `Workflow ${run._id} has no step ${from}: it is restarted with all of its ${end} steps kept.`,
    );
  return end === 0 ? 0 : Infinity;
}

/** Returns the number of the last step that failed or was canceled. */
async function lastFailure(ctx: MutationCtx, run: Run): Promise<number> {
  const last = async (kind: "failed" | "canceled") =>
    await ctx.db
      .query("steps")
      .withIndex("result", (q) =>
        q.eq("workflowId", run._id).eq("step.runResult.kind", kind),
      )
      .order("desc")
      .first();
  const rows = [await last("failed"), await last("canceled")];
  const numbers = rows.flatMap((row) => row?.stepNumber ?? []);
  if (numbers.length > 0) return Math.max(...numbers);
  throw invalidArgument(
    `Can't restart workflow ${run._id} ("${run.name}") from its failure: none of its steps failed. Restart it without ` +
      `fromFailure, or from a step.`,
    run._id,
  );
}

/** Continues a restart that takes several transactions. */
export async function continueRestart(
  ctx: MutationCtx,
  generation: Generation,
) {
  const run = await runOf(ctx, generation);
  if (!run?.restarting) return;
  const { from, doneFrom } = run.restarting;
  const rewound = await rewind(ctx, run, from, batchIsFull(), doneFrom);
  await updateRun(ctx, run, rewound);
  if (rewound.restarting) await scheduleRest(ctx, run);
  else await enqueueTurns(ctx, [{ run }], await readConfig(ctx));
}

async function scheduleRest(ctx: MutationCtx, run: Run) {
  await scheduleTask(ctx, "restart", generationOf(run));
}

/** Counts one more step, and returns whether the transaction has processed enough. */
type IsFull = (cost: number, row: StepRow) => boolean | Promise<boolean>;

function batchIsFull(): IsFull {
  const budget = new Budget(STEPS_PER_BATCH);
  return (cost, row) => {
    budget.spend(cost, row);
    return budget.isSpent;
  };
}

/** Full at half of the transaction. The rest is for the turn that follows, which also reads the journal. */
function transactionIsFull(ctx: MutationCtx): IsFull {
  let steps = 0;
  return async () => ++steps % 16 === 0 && !(await isHalfUnused(ctx));
}

function costOf(row: StepRow, from: number): number {
  const isReleased = isInFlight(row);
  const isDeleted = row.stepNumber >= from;
  if (childOf(row) && (isReleased || isDeleted)) return COST.child;
  if (isReleased) return COST.released;
  return isDeleted || deliveredAfter(row, from) ? COST.changed : COST.read;
}

const childOf = ({ step }: StepRow) =>
  step.kind === "workflow" ? step.workflowId : undefined;

const deliveredAfter = ({ delivery }: StepRow, from: number) =>
  delivery !== undefined && delivery.issued > from;

/**
 * Processes one batch of a restart, from the last step to the first, so that the journal has no gaps if it stops. A
 * later batch begins below `before`. Returns how the run changes. Without `restarting`, no step is left to process.
 */
async function rewind(
  ctx: MutationCtx,
  run: Run,
  from: number,
  isFull: IsFull,
  before = Infinity,
): Promise<Pick<RunChanges, "restarting" | "engineVersion">> {
  const rows = ctx.db
    .query("steps")
    .withIndex("workflow", (q) =>
      before === Infinity
        ? q.eq("workflowId", run._id)
        : q.eq("workflowId", run._id).lt("stepNumber", before),
    )
    .order("desc");
  for await (const row of rows) {
    const child =
      row.stepNumber >= from
        ? await deleteStep(ctx, row)
        : await keepStep(ctx, row, from);
    if (child) await deleteChild(ctx, child);
    if ((await isFull(costOf(row, from), row)) && row.stepNumber > 0)
      return { restarting: { from, doneFrom: row.stepNumber } };
  }
  return {
    restarting: undefined,
    // If no step of 0.4 is left, nothing is left to replay under its rules.
    ...(from === 0 && { engineVersion: REPLAY_VERSION }),
  };
}

/** Deletes a step and returns its child, which nothing waits for any longer. */
async function deleteStep(ctx: MutationCtx, row: StepRow) {
  const { step } = row;
  if (isInFlight(row)) await releaseStep(ctx, row);
  if (step.kind === "event") await undoWait(ctx, row);
  await ctx.db.delete("steps", row._id);
  return childOf(row);
}

/** Like `deleteStep`, but the step stays. If it is in flight, it is marked to start again. */
async function keepStep(ctx: MutationCtx, row: StepRow, from: number) {
  if (row.step.inProgress) {
    if (row.unstarted) return undefined;
    await releaseStep(ctx, row);
    await ctx.db.patch("steps", row._id, {
      unstarted: true,
      drivenBy: undefined,
      progress: undefined,
      timer: undefined,
      dueAt: undefined,
      step: withoutExecution(row.step),
    });
    return childOf(row);
  }
  if (deliveredAfter(row, from))
    await ctx.db.patch("steps", row._id, { delivery: undefined });
  return undefined;
}

function withoutExecution(step: StepRow["step"]): StepRow["step"] {
  switch (step.kind) {
    case "workflow":
      return { ...step, workflowId: undefined };
    case "event":
      return { ...step, eventId: undefined };
    case "patch":
      return step;
    default:
      return { ...step, workId: undefined };
  }
}
