import { toOutcome } from "../../shared/outcome.js";
import type { MutationCtx } from "../../component/_generated/server.js";
import { logCompleted } from "../step/completing.js";
import type { Config } from "../platform/config.js";
import { startTimer } from "../platform/scheduler.js";
import { createRun } from "../run/creating.js";
import { startEventWait } from "../step/eventWait.js";
import { execute, type StartingTurn } from "../step/dispatch.js";
import type { NewStep } from "./turnRecord.js";
import {
  retryBehavior,
  startTime,
  type WorkpoolOptions,
} from "../platform/options.js";
import {
  generationOf,
  isInFlight,
  functionTypeOf,
  lastStep,
  type Run,
  type StepRow,
} from "../run/runs.js";
import { mayHoldProgress } from "../run/progress.js";
import { enqueueTurns, type Wake } from "../run/waking.js";
import { logStep } from "../run/warnings.js";

interface StartOptions {
  config: Config;
  workpoolOptions?: WorkpoolOptions;
  /**
   * An inline step of the turn canceled or restarted the run inside this transaction. The turn's effects commit, so
   * they are recorded, but nothing new is started.
   */
  recordOnly: boolean;
  turn: StartingTurn;
  /** The run's progress if nothing else is in flight. A step that a driver executes holds it. */
  progress?: unknown;
}

/** A row to write once everything that it refers to exists. */
interface Draft {
  item: NewStep;
  runAt: number;
  fields: Omit<StepRow, "_id" | "_creationTime">;
  /** The row of a step that a restart kept. */
  kept: StepRow | null;
}

/** Records the steps that a turn asked for, and starts those without a result. */
export async function startSteps(
  ctx: MutationCtx,
  run: Run,
  items: NewStep[],
  options: StartOptions,
): Promise<StepRow[]> {
  const next = await nextStepNumber(ctx, run, items, options);
  if (next === null) return [];
  const drafts = await draft(ctx, run, items, next, options);
  const starting = drafts.filter(({ fields }) => isInFlight(fields));
  await startFunctions(ctx, run, starting, options);
  await startOthers(ctx, run, starting, options.config);
  const rows: StepRow[] = [];
  for (const each of drafts) rows.push(await save(ctx, each));
  for (const row of rows) logStep(options.config, "started", run, row);
  for (const row of rows)
    if (isInFlight(row)) await startEventWait(ctx, run, row, options.config);
  // Inline steps, refused steps, and events that were already sent.
  for (const row of rows)
    if (!row.step.inProgress) logCompleted(options.config, run, row);
  return rows;
}

/** Returns the number of the first new step, or null if the turn is only recorded and doesn't continue the journal. */
async function nextStepNumber(
  ctx: MutationCtx,
  run: Run,
  items: NewStep[],
  { recordOnly, turn }: StartOptions,
): Promise<number | null> {
  const first = items.find(({ stepId }) => stepId === undefined);
  if (!first) return 0;
  // A driver's turn continues a journal that was verified when the turn began and that hasn't changed.
  if (turn.caller && !recordOnly && first.stepNumber !== undefined)
    return first.stepNumber;
  const last = await lastStep(ctx, run._id);
  const next = last ? last.stepNumber + 1 : 0;
  if (first.stepNumber === undefined || first.stepNumber === next) return next;
  if (recordOnly) {
    const mutations = items.filter(
      ({ step }) => !step.inProgress && functionTypeOf(step) === "mutation",
    );
    // The restart took a turn at once, without these steps.
    if (next > first.stepNumber && mutations.length > 1)
      throw new Error(
        `Workflow ${run._id} was restarted by its inline step "${mutations.at(-1)!.step.name}", which came after ` +
          `${mutations.length - 1} others in one turn: they would run again. Pass startAsync: true to that restart.`,
      );
    return null;
  }
  throw new Error(
    `Workflow ${run._id}: a turn wants to record step ${first.stepNumber} "${first.step.name}", but the journal continues at step ${next}.`,
  );
}

async function draft(
  ctx: MutationCtx,
  run: Run,
  items: NewStep[],
  next: number,
  { recordOnly, workpoolOptions }: StartOptions,
): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for (const item of items) {
    const { stepId, step, delivery, argsOmitted, startsRun } = item;
    const { wakes, group, timeoutMs } = item;
    const kept = stepId ? await ctx.db.get("steps", stepId) : null;
    if (stepId && !kept)
      throw new Error(`Step ${stepId} is gone and can't be started again.`);
    const runAt = startTime(item.schedulerOptions);
    const isLater =
      step.inProgress && step.kind !== "sleep" && runAt > Date.now();
    const outcome = step.runResult && toOutcome(step.runResult, item.failure);
    const fields = {
      workflowId: run._id,
      stepNumber: kept ? kept.stepNumber : next++,
      step: { ...step, runResult: outcome?.result },
      failure: outcome?.failure,
      ...{ delivery, argsOmitted, startsRun, wakes, group, timeoutMs },
      unstarted: recordOnly && step.inProgress ? true : undefined,
      retry:
        functionTypeOf(step) === "action"
          ? retryBehavior(item.retry, workpoolOptions)
          : undefined,
      dueAt: isLater ? runAt : undefined,
    };
    drafts.push({ item, runAt, fields, kept });
  }
  return drafts;
}

/** Starts all function steps in one call. */
async function startFunctions(
  ctx: MutationCtx,
  run: Run,
  starting: Draft[],
  { turn, config, progress }: StartOptions,
) {
  const due = starting.flatMap(({ fields, runAt }) => {
    const { step, stepNumber } = fields;
    return "functionType" in step ? [{ fields, step, stepNumber, runAt }] : [];
  });
  const children = starting.filter(
    ({ fields }) => fields.step.kind === "workflow",
  ).length;
  const executors = await execute(ctx, run, due, { turn, children, config });
  for (const [index, { fields, step }] of due.entries()) {
    const { workId, drivenBy } = executors[index]!;
    fields.step = { ...step, workId };
    fields.drivenBy = drivenBy;
    const isOnly = drivenBy !== undefined && starting.length === 1;
    if (isOnly && mayHoldProgress(step)) fields.progress = progress;
  }
}

/** Starts sleeps and children. */
async function startOthers(
  ctx: MutationCtx,
  run: Run,
  starting: Draft[],
  config: Config,
) {
  const wakes: Wake[] = [];
  for (const { fields, item, runAt } of starting) {
    const { step } = fields;
    const execution = { ...generationOf(run), stepNumber: fields.stepNumber };
    if (step.kind === "sleep") {
      fields.timer = await startTimer(ctx, execution, runAt);
      fields.step = { ...step, workId: fields.timer.scheduledId };
    }
    if (step.kind !== "workflow") continue;
    const child = await createRun(
      ctx,
      {
        name: item.workflowName ?? step.name,
        workflowHandle: step.handle,
        args: step.args as unknown,
        execution: run.execution,
        parent: execution,
      },
      config,
    );
    fields.step = { ...step, workflowId: child._id };
    wakes.push({ run: child, runAt });
  }
  await enqueueTurns(ctx, wakes, config);
}

async function save(ctx: MutationCtx, { fields, kept }: Draft) {
  if (kept) await ctx.db.replace("steps", kept._id, fields);
  const _id = kept ? kept._id : await ctx.db.insert("steps", fields);
  return { _id, _creationTime: kept?._creationTime ?? Date.now(), ...fields };
}
