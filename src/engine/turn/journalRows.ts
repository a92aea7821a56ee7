import { v, type Infer } from "convex/values";
import {
  MAX_ARRAY_LENGTH,
  MAX_JOURNAL_BYTES,
  STEPS_PER_BATCH,
} from "../../shared/limits.js";
import { vLogLevel } from "../../shared/logging.js";
import { sizeOf } from "../../shared/storable.js";
import type { Doc, Id } from "../../component/_generated/dataModel.js";
import type { QueryCtx } from "../../component/_generated/server.js";
import { readConfig } from "../platform/config.js";
import { getRun, stepsInFlight } from "../run/runs.js";
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

/** A journal that exceeds its limit: at which step, and its size there. */
export const vTooLarge = v.object({
  size: v.number(),
  stepNumber: v.number(),
  name: v.string(),
});

/** A journal of small steps can exceed an array's limit of 8,192 elements, so it is passed in pages. */
const ENTRIES_PER_PAGE = 4096;

export async function readJournal(ctx: QueryCtx, workflowId: Id<"workflows">) {
  const entries: Doc<"steps">[] = [];
  let size = 0;
  let tooLarge: Infer<typeof vTooLarge> | undefined;
  const rows = ctx.db
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", workflowId));
  for await (const stored of rows) {
    const row = withoutAttempts(stored);
    size += sizeOf(row);
    if (size > MAX_JOURNAL_BYTES) {
      tooLarge = { size, stepNumber: row.stepNumber, name: row.step.name };
      break;
    }
    entries.push(row);
  }
  return { entries, size, tooLarge };
}

function withoutAttempts(row: Doc<"steps">): Doc<"steps"> {
  if (!row.attempts) return row;
  const { attempts: _attempts, ...rest } = row;
  return rest;
}

export const vLoaded = v.object({
  workflow: vRun,
  journalEntries: v.array(vJournalEntry),
  ok: v.boolean(),
  logLevel: vLogLevel(),
  blocked: v.optional(v.boolean()),
});

/** Reads a run's journal: see `journal:load`. */
export async function loadJournal(
  ctx: QueryCtx,
  { workflowId, shortCircuit }: { workflowId: string; shortCircuit?: boolean },
): Promise<Infer<typeof vLoaded>> {
  const workflow = await getRun(ctx, workflowId);
  const { log } = await readConfig(ctx);
  const inFlight = shortCircuit
    ? await stepsInFlight(ctx, workflow._id).take(STEPS_PER_BATCH)
    : [];
  if (inFlight.length > 0)
    return {
      workflow,
      journalEntries: inFlight,
      ok: true,
      logLevel: log.level,
      blocked: true,
    };
  const { entries, tooLarge } = await readJournal(ctx, workflow._id);
  return {
    workflow,
    journalEntries: entries.slice(0, MAX_ARRAY_LENGTH),
    ok: tooLarge === undefined && entries.length <= MAX_ARRAY_LENGTH,
    logLevel: log.level,
  };
}

export function pages<T>(all: T[]): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < all.length; at += ENTRIES_PER_PAGE)
    result.push(all.slice(at, at + ENTRIES_PER_PAGE));
  return result;
}
