import { paginator } from "convex-helpers/server/pagination";
import { v, type Infer } from "convex/values";
import { vWorkId } from "@convex-dev/workpool";
import { MAX_ATTEMPTS, MAX_ATTEMPT_ERROR_BYTES } from "../../shared/limits.js";
import {
  listedStepFields,
  vFunctionType,
  type StepState,
} from "../../shared/stepFields.js";
import { shortenError } from "../../shared/storable.js";
import schema from "../../component/schema.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import { isAttached } from "./driverState.js";
import { statesOfJobs, type JobId } from "../platform/workpool.js";
import { pageOf, pageBudget, pagesWithin, type PageArgs } from "./paging.js";
import type { Budget } from "../../shared/transactionBudget.js";
import {
  endedForcibly,
  findRun,
  functionTypeOf,
  statusOfRun,
  stepAt,
  vRunStatus,
  type Run,
  type StepRow,
} from "./runs.js";

const publicStepFields = { workflowId: v.string(), ...listedStepFields() };

/** A step in its public form. */
export const vPublicStep = v.union(
  v.object({
    ...publicStepFields,
    kind: v.literal("function"),
    functionType: v.optional(vFunctionType()),
    workId: v.optional(vWorkId),
    attempt: v.optional(v.number()),
    maxAttempts: v.optional(v.number()),
  }),
  v.object({
    ...publicStepFields,
    kind: v.literal("workflow"),
    nestedWorkflowId: v.optional(v.string()),
    child: v.optional(v.object({ workflowId: v.string(), status: vRunStatus })),
  }),
  v.object({
    ...publicStepFields,
    kind: v.literal("event"),
    eventId: v.optional(v.string()),
  }),
  v.object({
    ...publicStepFields,
    kind: v.literal("sleep"),
    workId: v.optional(vWorkId),
  }),
  v.object({ ...publicStepFields, kind: v.literal("patch") }),
);

/** Returns a page of a run's steps, by number. */
export async function listStepsOf(
  ctx: QueryCtx,
  run: Run,
  { order = "asc", paginationOpts }: PageArgs,
) {
  const rows = paginator(ctx.db, schema)
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", run._id))
    .order(order);
  const own = pagesWithin(rows, [run._id], 3);
  const result = await pageOf(own, paginationOpts, async (row, budget) => {
    // The workpool reads this much to find a job's state, including its arguments.
    if (jobOf(run, row).workId) budget.spend(4, row.step.args);
    return { row, child: await childOf(ctx, row, budget) };
  });
  return { ...result, page: await publicSteps(ctx, run, result.page) };
}

/** Returns a run's step by number, or null if it has none. */
export async function findStep(ctx: QueryCtx, run: Run, stepNumber: number) {
  const row = await stepAt(ctx, run._id, stepNumber);
  if (!row) return null;
  const child = await childOf(ctx, row, pageBudget());
  const [step] = await publicSteps(ctx, run, [{ row, child }]);
  return step!;
}

async function publicSteps(
  ctx: QueryCtx,
  run: Run,
  found: { row: StepRow; child: Run | null }[],
) {
  const states = await statesOfJobs(
    ctx,
    found.map(({ row }) => jobOf(run, row)),
  );
  return found.map(({ row, child }, at) => {
    const isRunning = states[at]!.kind === "running";
    const state = endedForcibly(run)
      ? "done"
      : stateOfStep(row, child, isRunning);
    return publicStep(row, child, state);
  });
}

async function childOf(ctx: QueryCtx, { step }: StepRow, budget: Budget) {
  if (step.kind !== "workflow" || !step.workflowId) return null;
  const child = await findRun(ctx, step.workflowId);
  budget.spend(1, child);
  return child;
}

/** Returns the job that executes a function step in flight, its own or the run's driver. */
function jobOf(run: Run, { step, unstarted, drivenBy }: StepRow): JobId {
  if (!("functionType" in step) || !step.inProgress || unstarted) return {};
  return isAttached(run, drivenBy) ? run.driver! : { workId: step.workId };
}

function stateOfStep(
  row: StepRow,
  child: Run | null,
  jobIsRunning: boolean,
): StepState {
  const { step, dueAt = 0, failedAttempts } = row;
  if (!step.inProgress) return "done";
  const isDue = dueAt <= Date.now();
  const pending = isDue
    ? "queued"
    : failedAttempts
      ? "backingOff"
      : "scheduled";
  switch (step.kind) {
    case "event":
    case "sleep":
      return row.unstarted ? "queued" : "waiting";
    case "workflow":
      return isDue && child ? "running" : pending;
    default:
      return jobIsRunning ? "running" : pending;
  }
}

function publicStep(
  row: StepRow,
  child: Run | null,
  state: StepState,
): Infer<typeof vPublicStep> {
  const { step } = row;
  const common = {
    workflowId: row.workflowId,
    name: step.name,
    stepId: row._id,
    stepNumber: row.stepNumber,
    args: step.args as unknown,
    runResult: step.runResult,
    startedAt: step.startedAt,
    completedAt: step.completedAt,
    state,
    dueAt: state !== "done" ? (row.timer?.endsAt ?? row.dueAt) : undefined,
    attempts: attemptsOf(row, state),
  };
  switch (step.kind) {
    case undefined:
    case "function":
      return {
        ...common,
        kind: "function",
        functionType: step.functionType,
        workId: workId(step.workId),
        ...(row.retry && {
          attempt: (row.failedAttempts ?? 0) + 1,
          maxAttempts: row.retry.maxAttempts,
        }),
      };
    case "workflow":
      return {
        ...common,
        kind: "workflow",
        nestedWorkflowId: step.workflowId,
        child: child
          ? { workflowId: child._id, status: statusOfRun(child) }
          : undefined,
      };
    case "event":
      return { ...common, kind: "event", eventId: step.eventId };
    case "sleep":
      return { ...common, kind: "sleep", workId: workId(step.workId) };
    case "patch":
      return { ...common, kind: "patch" };
  }
}

/** Returns the attempts that failed and were followed by another, and the one that runs or gave the result. */
function attemptsOf(row: StepRow, state: StepState) {
  const { step, attempts = [], dueAt } = row;
  const { runResult, completedAt } = step;
  const hasBegun = state === "running" || !step.inProgress;
  if (!functionTypeOf(step) || !hasBegun || runResult?.kind === "canceled")
    return attempts;
  const last = {
    startedAt: dueAt ?? step.startedAt,
    endedAt: completedAt,
    error:
      runResult?.kind === "failed"
        ? shortenError(runResult.error, MAX_ATTEMPT_ERROR_BYTES)
        : undefined,
  };
  return [...attempts, last].slice(-MAX_ATTEMPTS);
}

const workId = (id: string | undefined) =>
  id as Infer<typeof vWorkId> | undefined;
