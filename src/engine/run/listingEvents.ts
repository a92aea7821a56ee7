import type { PaginationOptions, PaginationResult } from "convex/server";
import { paginator } from "convex-helpers/server/pagination";
import { v, type Infer } from "convex/values";
import { preview, sizeOf } from "../../shared/storable.js";
import schema from "../../component/schema.js";
import type { Doc } from "../../component/_generated/dataModel.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import { pageOf, pagesWithin, type PageArgs } from "./paging.js";
import type { Budget } from "../../shared/transactionBudget.js";
import { oneOf } from "../../shared/oneOf.js";
import type { Run, StepRow } from "./runs.js";

/** An event in its public form. */
export const vPublicEvent = v.object({
  eventId: v.string(),
  name: v.string(),
  state: oneOf("created", "waiting", "sent", "consumed"),
  waitingSince: v.optional(v.number()),
  sentAt: v.optional(v.number()),
  /** The number of the step that waits for it or consumed it. */
  stepNumber: v.optional(v.number()),
  value: v.optional(v.any()),
  /** The error that was sent instead of a value. */
  error: v.optional(v.string()),
});

/** An event. If its value is large, it has the value's size and beginning as JSON instead. */
export const vEventSummary = v.object({
  ...vPublicEvent.fields,
  cut: v.optional(v.object({ bytes: v.number(), preview: v.string() })),
});

const MAX_VALUE_BYTES = 4096;

export async function listEventSummaries(
  ctx: QueryCtx,
  run: Run,
  paginationOpts: PaginationOptions,
): Promise<PaginationResult<Infer<typeof vEventSummary>>> {
  const result = await listEventsOf(ctx, run, { paginationOpts });
  const page = result.page.map((event) => {
    const { value, ...rest } = event;
    const bytes = sizeOf(value);
    return bytes <= MAX_VALUE_BYTES
      ? event
      : { ...rest, cut: { bytes, preview: preview(value, MAX_VALUE_BYTES) } };
  });
  return { ...result, page };
}

/** Returns a page of a run's events, in order of creation. */
export async function listEventsOf(
  ctx: QueryCtx,
  run: Run,
  { order = "asc", paginationOpts }: PageArgs,
) {
  const rows = paginator(ctx.db, schema)
    .query("events")
    .withIndex("workflow", (q) => q.eq("workflowId", run._id))
    .order(order);
  const own = pagesWithin(rows, [run._id], 2);
  return await pageOf(own, paginationOpts, async (event, budget) =>
    publicEvent(event, await stepOf(ctx, event, budget)),
  );
}

/** After an event is consumed, only the step has its value. For a wait of 0.4, only the step has its number. */
async function stepOf(
  ctx: QueryCtx,
  { state, waiter }: Doc<"events">,
  budget: Budget,
): Promise<StepRow | null> {
  if (!("stepId" in state) || waiter !== undefined) return null;
  const step = await ctx.db.get("steps", state.stepId);
  budget.spend(1, step);
  return step;
}

function publicEvent(
  { _id, name, state, waiter }: Doc<"events">,
  row: StepRow | null,
): Infer<typeof vPublicEvent> {
  const result = state.kind === "sent" ? state.result : row?.step.runResult;
  return {
    eventId: _id,
    name,
    state: state.kind,
    waitingSince: state.kind === "waiting" ? state.waitingAt : undefined,
    sentAt: "sentAt" in state ? state.sentAt : undefined,
    stepNumber: waiter ?? row?.stepNumber,
    value:
      result?.kind === "success" ? (result.returnValue as unknown) : undefined,
    error: result?.kind === "failed" ? result.error : undefined,
  };
}
