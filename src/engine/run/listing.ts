import type { PaginationOptions } from "convex/server";
import { paginator } from "convex-helpers/server/pagination";
import { v, type Infer, type Validator } from "convex/values";
import { vWorkId } from "@convex-dev/workpool";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { vRunResult } from "../../shared/outcome.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import type { Run, StepRow } from "./runs.js";
import schema from "../../component/schema.js";

/** A run as users see it. */
export const vPublicRun = v.object({
  workflowId: v.string(),
  name: v.optional(v.string()),
  args: v.any(),
  context: v.optional(v.any()),
  runResult: v.optional(vRunResult),
});

const publicStepFields = {
  workflowId: v.string(),
  name: v.string(),
  stepId: v.string(),
  stepNumber: v.number(),
  args: v.any(),
  runResult: v.optional(vRunResult),
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
};

/** A step as users see it. */
export const vPublicStep = v.union(
  v.object({
    ...publicStepFields,
    kind: v.literal("function"),
    workId: v.optional(vWorkId),
    attempt: v.optional(v.number()),
    maxAttempts: v.optional(v.number()),
  }),
  v.object({
    ...publicStepFields,
    kind: v.literal("workflow"),
    nestedWorkflowId: v.optional(v.string()),
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
);

export function vPaginated<T extends Validator<unknown, "required", string>>(
  item: T,
) {
  return v.object({
    page: v.array(item),
    isDone: v.boolean(),
    continueCursor: v.string(),
    splitCursor: v.optional(v.union(v.string(), v.null())),
    pageStatus: v.optional(
      v.union(
        v.literal("SplitRecommended"),
        v.literal("SplitRequired"),
        v.null(),
      ),
    ),
  });
}

function publicRun(run: Run): Infer<typeof vPublicRun> {
  return {
    workflowId: run._id,
    name: run.name,
    args: run.args as unknown,
    context: run.onComplete?.context as unknown,
    runResult: run.runResult,
  };
}

export function publicStep(row: StepRow): Infer<typeof vPublicStep> {
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
  };
  switch (step.kind) {
    case undefined:
    case "function":
      return {
        ...common,
        kind: "function",
        workId: workId(step.workId),
        ...(row.retry && {
          attempt: (row.failedAttempts ?? 0) + 1,
          maxAttempts: row.retry.maxAttempts,
        }),
      };
    case "workflow":
      return { ...common, kind: "workflow", nestedWorkflowId: step.workflowId };
    case "event":
      return { ...common, kind: "event", eventId: step.eventId };
    case "sleep":
      return { ...common, kind: "sleep", workId: workId(step.workId) };
  }
}

const workId = (id: string | undefined) =>
  id as Infer<typeof vWorkId> | undefined;

/** What one page may hold: an array has at most 8,192 elements. */
const MAX_PAGE_ROWS = 4096;

/** A page that would take too much of a transaction is shorter than asked for. */
const withinLimits = (asked: PaginationOptions) => ({
  ...asked,
  maximumRowsRead: Math.min(asked.maximumRowsRead ?? Infinity, MAX_PAGE_ROWS),
  maximumBytesRead: Math.min(
    asked.maximumBytesRead ?? Infinity,
    BYTES_PER_BATCH,
  ),
});

export async function listRuns(
  ctx: QueryCtx,
  name: string | undefined,
  order: "asc" | "desc" = "asc",
  paginationOpts: PaginationOptions,
) {
  const runs = paginator(ctx.db, schema).query("workflows");
  const result = await (
    name === undefined
      ? runs.withIndex("by_creation_time")
      : runs.withIndex("name", (q) => q.eq("name", name))
  )
    .order(order)
    .paginate(withinLimits(paginationOpts));
  return {
    ...result,
    page: result.page.filter(({ cleanedUp }) => !cleanedUp).map(publicRun),
  };
}

export async function listStepsOf(
  ctx: QueryCtx,
  workflowId: Id<"workflows">,
  order: "asc" | "desc" = "asc",
  paginationOpts: PaginationOptions,
) {
  const result = await paginator(ctx.db, schema)
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", workflowId))
    .order(order)
    .paginate(withinLimits(paginationOpts));
  return { ...result, page: result.page.map(publicStep) };
}
