import type { PaginationOptions } from "convex/server";
import { v, type Infer } from "convex/values";
import { vRetention } from "../../shared/retention.js";
import { Budget } from "../../shared/transactionBudget.js";
import { oneOf } from "../../shared/oneOf.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import { vExecution, vFailedAt } from "../../component/schema.js";
import { stateOfJob, type JobId } from "../platform/workpool.js";
import { publicRun, vPublicRun } from "./listing.js";
import { listEventSummaries, vEventSummary } from "./listingEvents.js";
import { pageBudget, vPaginated } from "./paging.js";
import { findRun, statusOfRun, vRunStatus, type Run } from "./runs.js";
import { countSteps, vRunSummary } from "./summaries.js";

const vRelative = {
  workflowId: v.string(),
  name: v.optional(v.string()),
  status: v.optional(vRunStatus),
};

/** A scheduled function or a job of the workpool. */
const vJob = v.object({
  state: oneOf("pending", "running", "done", "canceled", "dead", "unknown"),
  dueAt: v.optional(v.number()),
});

/** A run, with its values, its relatives and the state of the engine. */
export const vRunDetails = v.object({
  ...vPublicRun.fields,
  steps: vRunSummary.fields.steps,
  parent: v.optional(v.object({ ...vRelative, stepNumber: v.number() })),
  children: v.array(v.object({ ...vRelative, stepNumber: v.number() })),
  moreChildren: v.boolean(),
  generation: v.number(),
  failedAt: v.optional(vFailedAt),
  key: v.optional(v.string()),
  timeout: v.optional(v.number()),
  retention: v.optional(vRetention()),
  /** When its deadline ends it or, once it has ended, its retention deletes it. */
  deadlineAt: v.optional(v.number()),
  cleanupAt: v.optional(v.number()),
  execution: v.optional(vExecution),
  /** The executor of a sequence of steps. */
  driver: v.optional(v.object({ ...vJob.fields, number: v.number() })),
  /** The turn that is due. */
  turn: v.optional(vJob),
  engineVersion: v.optional(v.number()),
  events: v.optional(vPaginated(vEventSummary)),
});
type Details = Infer<typeof vRunDetails>;

/** The maximum number of children in a run's details. You can list the others by their parent. */
const MAX_CHILDREN = 20;

export async function detailsOf(
  ctx: QueryCtx,
  run: Run,
  events?: PaginationOptions,
): Promise<Details> {
  const { driver, drivers = 0, pendingTurn: turn } = run;
  const { steps, inFlight } = await countSteps(ctx, run, pageBudget());
  const dueTask = run.dueTask && (await ctx.db.get("tasks", run.dueTask));
  return {
    ...publicRun(run, inFlight),
    steps,
    parent: await describeParent(ctx, run),
    ...(await firstChildren(ctx, run)),
    generation: run.generationNumber,
    failedAt: run.failedAt,
    key: run.key,
    timeout: run.timeoutMs,
    retention: run.retention,
    [run.runResult ? "cleanupAt" : "deadlineAt"]: dueTask?.dueAt,
    execution: run.execution,
    driver: driver && {
      number: drivers,
      ...(await describeJob(ctx, driver, driver.startedAt)),
    },
    turn:
      turn &&
      (await describeJob(ctx, turn, "dueAt" in turn ? turn.dueAt : undefined)),
    engineVersion: run.engineVersion,
    events: events && (await listEventSummaries(ctx, run, events)),
  };
}

async function describeParent(
  ctx: QueryCtx,
  { parent }: Run,
): Promise<Details["parent"]> {
  if (!parent) return undefined;
  const { workflowId, stepNumber } = parent;
  const run = await findRun(ctx, workflowId);
  return {
    ...{ workflowId, stepNumber, name: run?.name },
    status: run ? statusOfRun(run) : undefined,
  };
}

async function firstChildren(
  ctx: QueryCtx,
  run: Run,
): Promise<Pick<Details, "children" | "moreChildren">> {
  const children: Details["children"] = [];
  const budget = new Budget(MAX_CHILDREN);
  const rows = ctx.db
    .query("workflows")
    .withIndex("parent", (q) => q.eq("parent.workflowId", run._id));
  for await (const child of rows) {
    if (child.cleanedUp) continue;
    if (budget.isSpent) return { children, moreChildren: true };
    children.push({
      workflowId: child._id,
      name: child.name,
      status: statusOfRun(child),
      stepNumber: child.parent!.stepNumber,
    });
    budget.spend(1, child);
  }
  return { children, moreChildren: false };
}

const describeJob = async (ctx: QueryCtx, job: JobId, dueAt?: number) => ({
  state: (await stateOfJob(ctx, job)).kind,
  dueAt,
});
