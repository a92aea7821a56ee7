import type { PaginationOptions } from "convex/server";
import { paginator } from "convex-helpers/server/pagination";
import { v, type Infer } from "convex/values";
import { BYTES_PER_BATCH } from "../../shared/limits.js";
import { vRunResult } from "../../shared/outcome.js";
import { shortenError, sizeOf } from "../../shared/storable.js";
import type { Id } from "../../component/_generated/dataModel.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import { progressOf } from "./progress.js";
import {
  statusOfRun,
  stepsInFlight,
  vRunStatus,
  type Run,
  type RunStatus,
  type StepRow,
} from "./runs.js";
import schema from "../../component/schema.js";
import { onlyPage, pageOf, pagesWithin, type PageArgs } from "./paging.js";
import type { Budget } from "../../shared/transactionBudget.js";

const RESULT_OF = {
  inProgress: undefined,
  completed: "success",
  failed: "failed",
  canceled: "canceled",
} as const;

const stepKinds = ["function", "workflow", "event", "sleep"] as const;

/** A run without its values. Rows of 0.4 have neither `endedAt` nor `parent`. */
export const summaryFields = {
  workflowId: v.string(),
  name: v.optional(v.string()),
  // Fields that 0.4 lacks are optional, so that code generated for 0.4 fits.
  status: v.optional(vRunStatus),
  startedAt: v.optional(v.number()),
  endedAt: v.optional(v.number()),
  /** The error's first line. */
  error: v.optional(v.string()),
  progress: v.optional(v.any()),
  parent: v.optional(
    v.object({ workflowId: v.string(), stepNumber: v.number() }),
  ),
  /** The first steps in flight. */
  blockedOn: v.optional(
    v.array(
      v.object({
        stepNumber: v.number(),
        name: v.string(),
        kind: v.union(...stepKinds.map((kind) => v.literal(kind))),
      }),
    ),
  ),
};

/** A run in its public form. */
export const vPublicRun = v.object({
  ...summaryFields,
  args: v.any(),
  context: v.optional(v.any()),
  runResult: v.optional(vRunResult()),
});

/** The maximum number of steps in flight that a list shows for each run. */
const MAX_BLOCKED_ON = 3;

export function publicRun(run: Run, inFlight: StepRow[]) {
  return {
    ...summaryOf(run, inFlight),
    args: run.args as unknown,
    context: run.onComplete?.context as unknown,
    runResult: run.runResult,
  };
}

export function summaryOf(run: Run, inFlight: StepRow[]) {
  const { runResult, parent } = run;
  return {
    workflowId: run._id,
    name: run.name,
    status: statusOfRun(run),
    startedAt: Math.floor(run._creationTime),
    endedAt: run.endedAt,
    error:
      runResult?.kind === "failed" ? firstLine(runResult.error) : undefined,
    progress: progressOf(run, inFlight),
    parent: parent && {
      workflowId: parent.workflowId,
      stepNumber: parent.stepNumber,
    },
    blockedOn: runResult
      ? []
      : inFlight.slice(0, MAX_BLOCKED_ON).map(({ stepNumber, step }) => ({
          stepNumber,
          name: step.name,
          // A patch is never in flight.
          kind: (step.kind ?? "function") as (typeof stepKinds)[number],
        })),
  };
}

export const firstLine = (error: string, maxBytes = 1024) =>
  shortenError(error.split("\n")[0]!, maxBytes);

/** Returns a run's first steps in flight. */
export async function firstInFlight(
  ctx: QueryCtx,
  run: Run,
  budget: Budget,
  max = MAX_BLOCKED_ON,
): Promise<StepRow[]> {
  const rows: StepRow[] = [];
  budget.spend(1);
  for await (const row of stepsInFlight(ctx, run._id)) {
    rows.push(row);
    budget.spend(0, row);
    if (rows.length === max || budget.isSpent) break;
  }
  return rows;
}

/** Selects the runs to list or to act on. */
export const runFilterFields = {
  name: v.optional(v.string()),
  status: v.optional(vRunStatus),
  /** When the run started. `since` is inclusive, `until` is exclusive. */
  since: v.optional(v.number()),
  until: v.optional(v.number()),
};
export type RunFilter = {
  name?: string;
  status?: RunStatus;
  since?: number;
  until?: number;
  /** The run whose children to list. Then `name` and `status` don't select. */
  parent?: Id<"workflows">;
};

/** Returns the index that has the selected runs, and the values of its fields before the creation time. */
function indexFor({
  name,
  status,
  parent,
}: RunFilter): [index: string, values: Record<string, unknown>] {
  if (parent !== undefined) return ["parent", { "parent.workflowId": parent }];
  const kind = { "runResult.kind": status && RESULT_OF[status] };
  if (name === undefined)
    return status === undefined ? ["by_creation_time", {}] : ["result", kind];
  return status === undefined
    ? ["name", { name }]
    : ["nameResult", { name, ...kind }];
}

/** Returns the runs of a filter, oldest first. Every filter is one index range. */
function runsBy(db: QueryCtx["db"], filter: RunFilter) {
  const { since = 0, until = Number.MAX_VALUE } = filter;
  const [index, values] = indexFor(filter);
  return db.query("workflows").withIndex(index as "name", (q) => {
    const equal = Object.entries(values).reduce<any>(
      (range, [field, value]) => range.eq(field, value),
      q,
    );
    return equal.gte("_creationTime", since).lt("_creationTime", until);
  });
}

/** Whether `runsBy` includes this run. */
export function isSelected(run: Run, filter: RunFilter) {
  const { name, status, since = 0, until = Infinity, parent } = filter;
  if (run._creationTime < since || run._creationTime >= until) return false;
  if (parent !== undefined) return run.parent?.workflowId === parent;
  return (
    (name === undefined || run.name === name) &&
    (status === undefined || statusOfRun(run) === status)
  );
}

/** Like `runsBy`, in pages. */
export function pagesOfRuns(
  ctx: QueryCtx,
  filter: RunFilter,
  order: PageArgs["order"] = "asc",
) {
  const db = paginator(readerOfRuns(ctx), schema) as unknown as QueryCtx["db"];
  const [, values] = indexFor(filter);
  const rows = runsBy(db, filter).order(order);
  const pages = pagesWithin(rows, Object.values(values), 2);
  return {
    paginate: async (options: PaginationOptions) => {
      // For an empty range, convex-helpers 0.1.122 reads rows.
      if ((filter.since ?? 0) >= (filter.until ?? Infinity))
        return onlyPage<Run>([]);
      const { page, ...rest } = await pages.paginate(options);
      const runs = page.map((run) =>
        run.runResult?.kind === undefined
          ? { ...run, runResult: undefined }
          : run,
      );
      return { ...rest, page: runs };
    },
  };
}

/** The paginator reads index keys from rows, and can't follow a path through an absent field. */
function readerOfRuns({ db }: QueryCtx): QueryCtx["db"] {
  const query = () => ({
    withIndex: (index: "name", range: undefined) => ({
      order: (order: "asc" | "desc") =>
        withKeys(db.query("workflows").withIndex(index, range).order(order)),
    }),
  });
  return { query } as unknown as QueryCtx["db"];
}

async function* withKeys(runs: AsyncIterable<Run>) {
  for await (const run of runs)
    yield run.runResult ? run : { ...run, runResult: { kind: undefined } };
}

type RunsAsked = RunFilter & PageArgs;

/** Returns a page of the selected runs, each converted by `toItem`. */
export async function pageOfRuns<Item>(
  ctx: QueryCtx,
  { order, paginationOpts, ...filter }: RunsAsked,
  toItem: (run: Run, budget: Budget) => Promise<Item | undefined> | undefined,
) {
  const pages = pagesOfRuns(ctx, filter, order);
  return await pageOf(pages, paginationOpts, (run, budget) =>
    run.cleanedUp ? undefined : toItem(run, budget),
  );
}

export const listRuns = (ctx: QueryCtx, asked: RunsAsked) =>
  pageOfRuns(ctx, asked, async (run, budget) =>
    publicRun(run, run.runResult ? [] : await firstInFlight(ctx, run, budget)),
  );

/** `more` is the creation time of the first run that isn't counted. It is absent if all are. */
const vCount = v.object({ count: v.number(), more: v.optional(v.number()) });
/** Statuses with the fewest runs in most apps come first, because they leave their budget to the others. */
export const vCounts = v.object({
  inProgress: vCount,
  failed: vCount,
  canceled: vCount,
  completed: vCount,
});
type Counts = Infer<typeof vCounts>;

const MAX_COUNT = 1000;

/** One transaction may read 16 MiB. The caller may need some of it. */
const BYTES_FOR_COUNTS = 2.5 * BYTES_PER_BATCH;

/** Counts runs up to the maximum, as many as one transaction can read, or continues with those that it couldn't. */
export async function countRuns(
  ctx: QueryCtx,
  { name, counted }: { name?: string; counted?: Counts },
): Promise<Counts> {
  const counts = { ...(counted ?? NOTHING_COUNTED) };
  const statuses = Object.keys(NOTHING_COUNTED) as RunStatus[];
  const open = statuses.filter(
    (status) =>
      counts[status].more !== undefined && counts[status].count < MAX_COUNT,
  );
  let bytes = BYTES_FOR_COUNTS;
  for (const [at, status] of open.entries()) {
    const share = bytes / (open.length - at);
    const { count, more: since } = counts[status];
    const filter = { name, status, since };
    const { read, ...found } = await continueCount(ctx, filter, count, share);
    counts[status] = found;
    bytes -= read;
  }
  return counts;
}

const NOTHING_COUNTED: Counts = {
  inProgress: { count: 0, more: 0 },
  failed: { count: 0, more: 0 },
  canceled: { count: 0, more: 0 },
  completed: { count: 0, more: 0 },
};

async function continueCount(
  ctx: QueryCtx,
  filter: RunFilter,
  count: number,
  maxBytes: number,
) {
  let read = 0;
  for await (const run of runsBy(ctx.db, filter)) {
    if (run.cleanedUp) continue;
    if (count === MAX_COUNT || read > maxBytes)
      return { count, more: run._creationTime, read };
    count++;
    read += sizeOf(run);
  }
  return { count, read };
}
