import { v, type Infer } from "convex/values";
import { MAX_JOURNAL_BYTES } from "../../shared/limits.js";
import { sizeOf } from "../../shared/storable.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import type { ExecutedStep } from "../driver/turn.js";
import schema, { stepEngineFields, vStep } from "../../component/schema.js";

export const vRun = schema.tables.workflows.validator.extend({
  _id: v.id("workflows"),
  _creationTime: v.number(),
});

export const vJournalEntry = v.object({
  _id: v.id("steps"),
  _creationTime: v.number(),
  workflowId: v.id("workflows"),
  stepNumber: v.number(),
  step: vStep,
  ...stepEngineFields,
});

/** A journal past its bound: at which step, and how large it was there. */
export const vTooLarge = v.object({
  size: v.number(),
  stepNumber: v.number(),
  name: v.string(),
});

/**
 * One array holds at most 8,192 elements, a journal of small steps more: it is handed over in
 * pages.
 */
const ENTRIES_PER_PAGE = 4096;

export async function readJournal(ctx: QueryCtx, workflowId: Id<"workflows">) {
  const entries: Doc<"steps">[] = [];
  let size = 0;
  let tooLarge: Infer<typeof vTooLarge> | undefined;
  const rows = ctx.db
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", workflowId));
  for await (const row of rows) {
    size += sizeOf(row);
    if (size > MAX_JOURNAL_BYTES) {
      tooLarge = { size, stepNumber: row.stepNumber, name: row.step.name };
      break;
    }
    entries.push(row);
  }
  return { entries, size, tooLarge };
}

/** Whether the result of the step just executed is too much for the journal. */
export function tooLargeWith(
  { row, completed }: ExecutedStep,
  sizeBefore: number,
) {
  const { result, failure } = completed;
  const size = sizeBefore + sizeOf(result) + sizeOf(failure);
  if (size <= MAX_JOURNAL_BYTES) return undefined;
  return { size, stepNumber: row.stepNumber, name: row.step.name };
}

export function pages<T>(all: T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < all.length; at += ENTRIES_PER_PAGE)
    result.push(all.slice(at, at + ENTRIES_PER_PAGE));
  return result;
}
