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
import schema from "../../component/schema.js";

export const vRun = schema.tables.workflows.validator.extend({
  _id: v.id("workflows"),
  _creationTime: v.number(),
});

export const vJournalEntry = schema.tables.steps.validator.extend({
  _id: v.id("steps"),
  _creationTime: v.number(),
});

/** The step at which a journal exceeds its limit, and its size there. */
export const vTooLarge = v.object({
  size: v.number(),
  stepNumber: v.number(),
  name: v.string(),
});

/**
 * The pages of a journal that a turn receives. A page is the JSON text of its rows, because converting rows as values
 * takes several times as long. If the text wouldn't equal the rows, the page is the rows themselves.
 */
export const vPages = v.array(v.union(v.string(), v.array(vJournalEntry)));

const ROWS_PER_PAGE = 512;

/** Convex's limit for a result is 16 MiB, and this leaves room for the run's own row. */
const MAX_PAGES_BYTES = 14 * (1 << 20);

interface Page {
  rows: Doc<"steps">[];
  size: number;
  isJson: boolean;
}

export async function readJournal(ctx: QueryCtx, workflowId: Id<"workflows">) {
  const pages: Page[] = [];
  let page: Page | undefined;
  let size = 0;
  let tooLarge: Infer<typeof vTooLarge> | undefined;
  const rows = ctx.db
    .query("steps")
    .withIndex("workflow", (q) => q.eq("workflowId", workflowId));
  for await (const stored of rows) {
    const row = withoutAttempts(stored);
    const form = { isJson: true };
    const bytes = sizeOf(row, form);
    size += bytes;
    if (size > MAX_JOURNAL_BYTES) {
      tooLarge = { size, stepNumber: row.stepNumber, name: row.step.name };
      break;
    }
    if (!page || page.rows.length === ROWS_PER_PAGE)
      pages.push((page = { rows: [], size: 0, isJson: true }));
    page.rows.push(row);
    page.size += bytes;
    page.isJson &&= form.isJson;
  }
  return { pages, size, tooLarge };
}

export const rowsOf = (pages: Page[]) => pages.flatMap(({ rows }) => rows);

/** Text may be several times as large as its rows, which never exceed the limit. */
export function toPages(pages: Page[]): Infer<typeof vPages> {
  const texts = pages.map(({ rows, isJson }) =>
    isJson ? JSON.stringify(rows) : rows,
  );
  const bytes = (ofText: (text: string) => number) =>
    texts.reduce(
      (sum, page, at) =>
        sum + (typeof page === "string" ? ofText(page) : pages[at]!.size),
      0,
    );
  // Counting the bytes of a long text takes as long as writing it.
  const fits =
    bytes((text) => 3 * text.length) <= MAX_PAGES_BYTES ||
    bytes(sizeOf) <= MAX_PAGES_BYTES;
  return fits ? texts : pages.map(({ rows }) => rows);
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

/** Reads a run's journal, for `journal:load`. */
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
  const { pages, tooLarge } = await readJournal(ctx, workflow._id);
  const entries = rowsOf(pages);
  return {
    workflow,
    journalEntries: entries.slice(0, MAX_ARRAY_LENGTH),
    ok: tooLarge === undefined && entries.length <= MAX_ARRAY_LENGTH,
    logLevel: log.level,
  };
}
