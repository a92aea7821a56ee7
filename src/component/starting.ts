import { MAX_ROW_BYTES } from "../shared/limits.js";
import { sizeOf, whyNotStorable } from "../shared/storable.js";
import { internal } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import type { MutationCtx } from "./_generated/server.js";
import type { Config } from "./config.js";
import { waitForEvent } from "./events.js";
import { execute, type DueStep } from "./execution.js";
import type { NewStep } from "./journal.js";
import { retryBehavior, startTime, type WorkpoolOptions } from "./options.js";
import { createRun } from "./creating.js";
import { lastStep, type Run, type StepRow } from "./runs.js";
import { wakeAll, type Wake } from "./waking.js";

interface StartOptions {
  config: Config;
  workpoolOptions?: WorkpoolOptions;
  /**
   * The run was canceled or restarted inside this transaction, by an inline step of the turn.
   * What that turn has done stays done, so it is written down; nothing new is started.
   */
  recordOnly: boolean;
}

/** Records the steps a turn asked for and starts those that have no result yet. */
export async function startSteps(
  ctx: MutationCtx,
  run: Run,
  steps: NewStep[],
  options: StartOptions,
): Promise<StepRow[]> {
  const fresh = steps.filter((step) => step.stepId === undefined);
  if (!(await continuesJournal(ctx, run, fresh[0], options.recordOnly)))
    return [];
  const started = new Started(ctx, run, options);
  for (const step of steps) await started.add(step);
  await started.flush();
  return started.rows;
}

async function continuesJournal(
  ctx: MutationCtx,
  run: Run,
  first: NewStep | undefined,
  recordOnly: boolean,
) {
  if (first?.stepNumber === undefined) return true;
  const last = await lastStep(ctx, run._id);
  const next = last ? last.stepNumber + 1 : 0;
  if (first.stepNumber === next) return true;
  if (recordOnly) return false;
  throw new Error(
    `Workflow ${run._id}: a turn wants to record step ${first.stepNumber} "${first.step.name}", but the journal goes on at step ${next}.`,
  );
}

class Started {
  readonly rows: StepRow[] = [];
  private nextNumber: number | undefined;
  private readonly due: { row: StepRow; step: DueStep }[] = [];
  private readonly children: { row: StepRow; wake: Wake }[] = [];

  constructor(
    private readonly ctx: MutationCtx,
    private readonly run: Run,
    private readonly options: StartOptions,
  ) {}

  async add(item: NewStep) {
    const row = await this.write(item);
    this.rows.push(row);
    if (row.step.inProgress && !row.unstarted) await this.start(row, item);
  }

  /** Starts, in one call to the pool, all that the pool runs. */
  async flush() {
    const { ctx, run } = this;
    const { config } = this.options;
    const workIds = await execute(
      ctx,
      run,
      this.due.map(({ step }) => step),
      config,
    );
    for (const [index, { row }] of this.due.entries()) {
      if (!("functionType" in row.step)) continue;
      row.step = { ...row.step, workId: workIds[index] };
      await ctx.db.patch("steps", row._id, { step: row.step });
    }
    await wakeAll(
      ctx,
      this.children.map(({ wake }) => wake),
      config,
    );
  }

  /** The row of the step, new or kept by a restart, as it is before anything is started. */
  private async write(item: NewStep): Promise<StepRow> {
    const { ctx, run } = this;
    if (item.stepId !== undefined) return await this.reset(item, item.stepId);
    const stepNumber = item.stepNumber ?? (await this.numberOfNext());
    const refused = whyArgumentsRefused(item);
    const fields = {
      workflowId: run._id,
      stepNumber,
      step: refused ? failed({ ...item.step, args: {} }, refused) : item.step,
      argsOmitted: refused ? true : undefined,
      delivery: item.delivery,
      wakes: item.wakes,
      group: item.group,
      failure: item.failure,
      retry: this.retryOf(item),
      unstarted:
        this.options.recordOnly && item.step.inProgress ? true : undefined,
    };
    const _id = await ctx.db.insert("steps", fields);
    return { _id, _creationTime: Date.now(), ...fields };
  }

  private async reset(item: NewStep, stepId: Id<"steps">): Promise<StepRow> {
    const { ctx } = this;
    const row = await ctx.db.get("steps", stepId);
    if (!row) throw new Error(`Step ${stepId} is gone and can't be restarted.`);
    const changes = {
      unstarted: undefined,
      wakes: item.wakes,
      group: item.group,
      retry: this.retryOf(item),
      failedAttempts: undefined,
    };
    await ctx.db.patch("steps", stepId, changes);
    return { ...row, ...changes };
  }

  private retryOf({ step, retry }: NewStep) {
    if (!("functionType" in step) || step.functionType !== "action") return;
    return retryBehavior(retry, this.options.workpoolOptions);
  }

  private async numberOfNext() {
    if (this.nextNumber === undefined) {
      const last = await lastStep(this.ctx, this.run._id);
      this.nextNumber = last ? last.stepNumber + 1 : 0;
    }
    return this.nextNumber++;
  }

  private async start(row: StepRow, item: NewStep) {
    const runAt = startTime(item.schedulerOptions);
    switch (row.step.kind) {
      case undefined:
      case "function":
        this.due.push({
          row,
          step: { stepId: row._id, step: row.step, runAt },
        });
        return;
      case "workflow":
        return await this.startChild(row, item, runAt);
      case "event":
        return await this.startEventWait(row, item);
      case "sleep":
        return await this.startTimer(row, runAt - Date.now());
    }
  }

  private async startChild(row: StepRow, item: NewStep, runAt: number) {
    const { ctx, run } = this;
    const { step } = row;
    if (step.kind !== "workflow") return;
    const child = await createRun(
      ctx,
      {
        name: item.workflowName ?? step.name,
        workflowHandle: step.handle,
        args: step.args,
        maxParallelism: run.maxParallelism,
        parent: { stepId: row._id, generationNumber: run.generationNumber },
      },
      this.options.config,
    );
    row.step = { ...step, workflowId: child._id };
    await ctx.db.patch("steps", row._id, { step: row.step });
    this.children.push({ row, wake: { run: child, runAt } });
  }

  private async startEventWait(row: StepRow, { timeoutMs }: NewStep) {
    const { ctx, run } = this;
    const { step } = row;
    if (step.kind !== "event") return;
    const wait = await waitForEvent(
      ctx,
      run,
      row,
      step.args.eventId,
      this.options.config,
    );
    if (wait.kind === "refused")
      return await this.patch(row, failed(step, wait.error));
    const { eventId } = wait;
    if (wait.kind === "consumed")
      return await this.patch(row, {
        ...step,
        eventId,
        inProgress: false,
        runResult: wait.result,
        completedAt: Date.now(),
      });
    await this.patch(row, { ...step, eventId });
    if (timeoutMs !== undefined) await this.startTimer(row, timeoutMs);
  }

  private async startTimer(row: StepRow, ms: number) {
    const { ctx, run } = this;
    const scheduledId = await ctx.scheduler.runAfter(
      Math.max(0, ms),
      internal.timers.fire,
      { stepId: row._id, generationNumber: run.generationNumber },
    );
    row.timer = { scheduledId, ms };
    if (row.step.kind === "sleep")
      row.step = { ...row.step, workId: scheduledId };
    await ctx.db.patch("steps", row._id, { timer: row.timer, step: row.step });
  }

  private async patch(row: StepRow, step: StepRow["step"]) {
    row.step = step;
    await this.ctx.db.patch("steps", row._id, { step });
  }
}

function failed<T extends StepRow["step"]>(step: T, error: string): T {
  return {
    ...step,
    inProgress: false,
    runResult: { kind: "failed", error },
    completedAt: Date.now(),
  };
}

/** Arguments that a row can't hold. The step fails; the turn goes on. */
function whyArgumentsRefused({ step }: NewStep): string | undefined {
  const what = `The arguments of step "${step.name}"`;
  const problem = whyNotStorable(what, step.args);
  if (problem) return problem;
  const size = sizeOf(step.args);
  if (size <= MAX_ROW_BYTES) return undefined;
  return `${what} are too large: ${size} bytes, the maximum is ${MAX_ROW_BYTES} bytes. Store them in a table or a file and pass its id.`;
}
