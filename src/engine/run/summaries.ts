import type { PaginationResult } from "convex/server";
import { v, type Infer, type ObjectType } from "convex/values";
import type { QueryCtx } from "../../component/_generated/server.js";
import {
  firstInFlight,
  firstLine,
  isSelected,
  pageOfRuns,
  runFilterFields,
  summaryFields,
  summaryOf,
} from "./listing.js";
import { listStepsOf, type vPublicStep } from "./listingSteps.js";
import { onlyPage, pageBudget, type PageArgs } from "./paging.js";
import { Budget } from "../../shared/transactionBudget.js";
import {
  vAttempt,
  vFunctionType,
  vStepState,
} from "../../shared/stepFields.js";
import { oneOf } from "../../shared/oneOf.js";
import { findRunByText, lastStep, vRunStatus, type Run } from "./runs.js";

/** A run without its values, which may be large, but with the numbers of its steps. */
export const vRunSummary = v.object({
  ...summaryFields,
  steps: v.object({
    count: v.number(),
    inFlight: v.union(v.number(), v.string()),
  }),
});

/** More steps in flight aren't counted, because each is a row to read. */
const MAX_IN_FLIGHT = 10;

/** Returns the number of a run's steps, and the first steps in flight. */
export async function countSteps(ctx: QueryCtx, run: Run, budget: Budget) {
  const last = await lastStep(ctx, run._id);
  budget.spend(1, last);
  const rows = await firstInFlight(ctx, run, budget, MAX_IN_FLIGHT + 1);
  const isMore =
    rows.length > MAX_IN_FLIGHT || (rows.length > 0 && budget.isSpent);
  return {
    inFlight: rows.slice(0, MAX_IN_FLIGHT),
    steps: {
      count: last ? last.stepNumber + 1 : 0,
      inFlight: isMore
        ? `${Math.min(rows.length, MAX_IN_FLIGHT)}+`
        : rows.length,
    },
  };
}

/** Selects the runs to list. `idPrefix` is an id, or its beginning. */
export const summaryFilterFields = {
  ...runFilterFields,
  idPrefix: v.optional(v.string()),
  parent: v.optional(v.string()),
};
type SummaryFilter = ObjectType<typeof summaryFilterFields>;

/** A page looks through this many runs for ids with a prefix, because no index has ids in the order of creation. */
const RUNS_TO_SEARCH = 256;

export async function listSummaries(
  ctx: QueryCtx,
  asked: SummaryFilter & PageArgs,
): Promise<PaginationResult<Infer<typeof vRunSummary>>> {
  const { idPrefix, paginationOpts } = asked;
  const summary = async (run: Run, budget: Budget) => {
    if (!matches(run, asked)) return undefined;
    const { steps, inFlight } = await countSteps(ctx, run, budget);
    return { ...summaryOf(run, inFlight), steps };
  };
  const only = idPrefix && (await findRunByText(ctx, idPrefix));
  if (only) {
    const found = await summary(only, pageBudget());
    return onlyPage(found ? [found] : []);
  }
  const parent =
    asked.parent === undefined
      ? undefined
      : ctx.db.normalizeId("workflows", asked.parent);
  if (parent === null) return onlyPage([]);
  const numItems = idPrefix
    ? Math.max(paginationOpts.numItems, RUNS_TO_SEARCH)
    : paginationOpts.numItems;
  return await pageOfRuns(
    ctx,
    { ...asked, parent, paginationOpts: { ...paginationOpts, numItems } },
    summary,
  );
}

function matches(run: Run, filter: SummaryFilter) {
  const { idPrefix, parent, ...own } = filter;
  return (
    !run.cleanedUp &&
    isSelected(run, own) &&
    (idPrefix === undefined || run._id.startsWith(idPrefix)) &&
    (parent === undefined || run.parent?.workflowId === parent)
  );
}

/** The maximum number of workflow names that are read. */
const MAX_NAMES = 100;

export async function namesOfRuns(ctx: QueryCtx): Promise<string[]> {
  const names: string[] = [];
  const budget = new Budget(MAX_NAMES);
  while (!budget.isSpent) {
    const next = await ctx.db
      .query("workflows")
      .withIndex("name", (q) => q.gt("name", names.at(-1)))
      .first();
    if (!next) break;
    names.push(next.name!);
    budget.spend(1, next);
  }
  return names;
}

/** A step without its values. */
export const vStepSummary = v.object({
  stepId: v.string(),
  stepNumber: v.number(),
  name: v.string(),
  kind: oneOf("function", "workflow", "event", "sleep", "patch"),
  functionType: v.optional(vFunctionType()),
  state: vStepState(),
  /** How it ended. */
  outcome: v.optional(oneOf("success", "failed", "canceled")),
  /** The error's first line, as in `attempts`. */
  error: v.optional(v.string()),
  startedAt: v.number(),
  completedAt: v.optional(v.number()),
  dueAt: v.optional(v.number()),
  attempts: v.array(vAttempt()),
  maxAttempts: v.optional(v.number()),
  child: v.optional(v.object({ workflowId: v.string(), status: vRunStatus })),
  eventId: v.optional(v.string()),
});

/** The maximum length of an error in a list. */
const MAX_LINE_BYTES = 256;

export async function listStepSummaries(
  ctx: QueryCtx,
  run: Run,
  asked: PageArgs,
): Promise<PaginationResult<Infer<typeof vStepSummary>>> {
  const result = await listStepsOf(ctx, run, asked);
  return { ...result, page: result.page.map(summaryOfStep) };
}

function summaryOfStep(
  step: Infer<typeof vPublicStep>,
): Infer<typeof vStepSummary> {
  const { stepId, stepNumber, name, kind, startedAt, completedAt } = step;
  const { state, dueAt, attempts, runResult } = step;
  const line = (error: string | undefined) =>
    error === undefined ? undefined : firstLine(error, MAX_LINE_BYTES);
  return {
    ...{ stepId, stepNumber, name, kind, startedAt, completedAt, dueAt },
    state: state!,
    outcome: runResult?.kind,
    error: runResult?.kind === "failed" ? line(runResult.error) : undefined,
    attempts: attempts!.map(({ error, ...times }) => ({
      ...times,
      error: line(error),
    })),
    ...(kind === "function" && {
      functionType: step.functionType,
      maxAttempts: step.maxAttempts,
    }),
    ...(kind === "workflow" && { child: step.child }),
    ...(kind === "event" && { eventId: step.eventId }),
  };
}
