import { paginator } from "convex-helpers/server/pagination";
import { v, type Infer } from "convex/values";
import { invalidArgument } from "../../shared/errors.js";
import { vRunResult } from "../../shared/outcome.js";
import { abbreviate } from "../../shared/storable.js";
import schema from "../../component/schema.js";
import type { Doc } from "../../component/_generated/dataModel.js";
import type {
  MutationCtx,
  QueryCtx,
} from "../../component/_generated/server.js";
import { pageOf, pagesWithin, type PageArgs } from "../run/paging.js";
import { call } from "./end.js";

/** A completion that couldn't be delivered, in its public form. */
export const vOnCompleteFailure = v.object({
  id: v.string(),
  failedAt: v.number(),
  error: v.string(),
  workflowId: v.optional(v.string()),
  result: vRunResult(),
  context: v.optional(v.any()),
  /** Whether it is an `onComplete` that threw, not a report of the workpool that this release doesn't understand. */
  canRetry: v.boolean(),
});

export async function listFailures(
  ctx: QueryCtx,
  { order = "asc", paginationOpts }: PageArgs,
) {
  const rows = paginator(ctx.db, schema)
    .query("onCompleteFailures")
    .withIndex("by_creation_time")
    .order(order);
  return await pageOf(pagesWithin(rows, [], 2), paginationOpts, publicFailure);
}

function publicFailure(
  row: Doc<"onCompleteFailures">,
): Infer<typeof vOnCompleteFailure> {
  const common = {
    id: row._id,
    failedAt: Math.floor(row._creationTime),
    workflowId: row.workflowId,
  };
  if ("runResult" in row)
    return {
      ...common,
      error: row.error,
      result: row.runResult,
      context: row.onComplete?.context as unknown,
      canRetry: true,
    };
  return {
    ...common,
    error: "The workpool reported it with a context that isn't understood.",
    result: row.result,
    context: row.context as unknown,
    canRetry: false,
  };
}

/** Calls a failed `onComplete` again. Deletes its row in the same transaction, so it can't succeed twice. */
export async function retryOnComplete(ctx: MutationCtx, failureId: string) {
  const id = ctx.db.normalizeId("onCompleteFailures", failureId);
  const row = id && (await ctx.db.get("onCompleteFailures", id));
  const refuse = (why: string, workflowId?: string) =>
    invalidArgument(
      `Can't call onComplete again for "${abbreviate(failureId)}": ${why}.`,
      workflowId,
    );
  if (!row)
    throw refuse(
      "expected an id that listOnCompleteFailures returned, of a call that hasn't succeeded since",
    );
  if (!("runResult" in row))
    throw refuse(
      "the workpool reported a completion that isn't understood, and no onComplete belongs to it",
      row.workflowId,
    );
  const { workflowId } = row;
  const onComplete =
    row.onComplete ?? (await ctx.db.get("workflows", workflowId))?.onComplete;
  if (!onComplete)
    throw refuse(
      `its workflow ${workflowId} was cleaned up, and version 0.4 kept no more of it`,
      workflowId,
    );
  await ctx.db.delete("onCompleteFailures", row._id);
  await call(ctx, { ...row, onComplete });
}
