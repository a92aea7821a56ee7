import type { PaginationOptions } from "convex/server";
import { paginator } from "convex-helpers/server/pagination";
import { v, type Infer } from "convex/values";
import { vWorkId } from "@convex-dev/workpool";
import { MAX_ATTEMPTS, MAX_ATTEMPT_ERROR_BYTES } from "../../shared/limits.js";
import { vRunResult } from "../../shared/outcome.js";
import { shortenError } from "../../shared/storable.js";
import schema from "../../component/schema.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import type { JobState } from "../platform/scheduler.js";
import { stateOfJob, statesOf } from "../platform/workpool.js";
import { statusOfRun, vRunStatus } from "./listing.js";
import { pageOf, PageBudget, selectedPages } from "./paging.js";
import {
  endedForcibly,
  findRun,
  functionTypeOf,
  stepAt,
  type Run,
  type StepRow,
} from "./runs.js";

export const vStepState = v.union(
  v.literal("scheduled"),
  v.literal("queued"),
  v.literal("running"),
  v.literal("backingOff"),
  v.literal("waiting"),
  v.literal("done"),
);
type StepState = Infer<typeof vStepState>;

export const vAttempt = v.object({
  startedAt: v.number(),
  endedAt: v.optional(v.number()),
  error: v.optional(v.string()),
});

/** Fields that 0.4 lacks are optional, so that code generated for 0.4 fits. */
const publicStepFields = {
  workflowId: v.string(),
  name: v.string(),
  stepId: v.string(),
  stepNumber: v.number(),
  args: v.any(),
  runResult: v.optional(vRunResult()),
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
  state: v.optional(vStepState),
  /** While the step is in flight. */
  dueAt: v.optional(v.number()),
  attempts: v.optional(v.array(vAttempt)),
};

/** A step as users see it. */
export const vPublicStep = v.union(
  v.object({
    ...publicStepFields,
    kind: v.literal("function"),
    functionType: v.optional(
      v.union(v.literal("query"), v.literal("mutation"), v.literal("action")),
    ),
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

/** A page of a run's steps, in the order of their numbers. */
export async function listStepsOf(
  ctx: QueryCtx,
  run: Run,
  order: "asc" | "desc" = "asc",
  paginationOpts: PaginationOptions,
) {
  const rows = paginator(ctx.db, schema)
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", run._id))
    .order(order);
  const own = selectedPages(rows, ({ workflowId }) => workflowId === run._id);
  const result = await pageOf(own, paginationOpts, async (row, budget) => {
    // The workpool reads this much to find a job's state, including its arguments.
    if (jobOf(row)) budget.spend(4, row.step.args);
    return { row, child: await childOf(ctx, row, budget) };
  });
  return { ...result, page: await publicSteps(ctx, run, result.page) };
}

/** A run's step with a number. Null if it has none. */
export async function findStep(ctx: QueryCtx, run: Run, stepNumber: number) {
  const row = await stepAt(ctx, run._id, stepNumber);
  if (!row) return null;
  const child = await childOf(ctx, row, new PageBudget());
  const [step] = await publicSteps(ctx, run, [{ row, child }]);
  return step!;
}

async function publicSteps(
  ctx: QueryCtx,
  run: Run,
  found: { row: StepRow; child: Run | null }[],
) {
  const isStopped = endedForcibly(run);
  const jobs = await jobStates(
    ctx,
    run,
    found.map(({ row }) => row),
  );
  return found.map(({ row, child }) =>
    publicStep(row, child, stateOfStep(row, child, jobs, isStopped)),
  );
}

async function childOf(ctx: QueryCtx, { step }: StepRow, budget: PageBudget) {
  if (step.kind !== "workflow" || !step.workflowId) return null;
  const child = await findRun(ctx, step.workflowId);
  budget.spend(1, child);
  return child;
}

/** The workpool's job that executes a step in flight. */
const jobOf = ({ step, unstarted }: StepRow) =>
  "functionType" in step && step.inProgress && !unstarted
    ? step.workId
    : undefined;

type JobKind = JobState["kind"];

/** The state of the job that executes a step in flight: the workpool's, or the run's driver. */
async function jobStates(
  ctx: QueryCtx,
  run: Run,
  rows: StepRow[],
): Promise<(row: StepRow) => JobKind | undefined> {
  const { driver, drivers } = run;
  const isDriven = ({ step, drivenBy, unstarted }: StepRow) =>
    step.inProgress &&
    !unstarted &&
    drivenBy !== undefined &&
    drivenBy === drivers;
  const ids = rows.flatMap((row) => jobOf(row) ?? []);
  const found = await statesOf(ctx, ids);
  const kinds = new Map(ids.map((id, at) => [id, found[at]!.kind]));
  const driverKind =
    driver && rows.some(isDriven)
      ? (await stateOfJob(ctx, driver)).kind
      : undefined;
  return (row) => (isDriven(row) ? driverKind : kinds.get(jobOf(row) ?? ""));
}

function stateOfStep(
  row: StepRow,
  child: Run | null,
  jobKind: (row: StepRow) => JobKind | undefined,
  isStopped: boolean,
): StepState {
  const { step, dueAt = 0, failedAttempts } = row;
  if (!step.inProgress || isStopped) return "done";
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
      return jobKind(row) === "running" ? "running" : pending;
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

/** The attempts that failed and were followed by another, and the one that runs or gave the step its result. */
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
