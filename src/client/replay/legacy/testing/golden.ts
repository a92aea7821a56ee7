import type { Doc } from "../../../../component/_generated/dataModel.js";

/** All rows of the component, by table. */
export interface Rows {
  config: Doc<"config">[];
  workflows: Doc<"workflows">[];
  steps: Doc<"steps">[];
  events: Doc<"events">[];
}

/** A moment at which a turn was due and nothing was in flight. */
export interface Boundary {
  /** Milliseconds since the run was started. */
  at: number;
  /** The number of steps in the run's journal. */
  steps: number;
  /** A file holds only rows that are new or have changed since the previous boundary. */
  rows: Rows;
}

/** A run as 0.4 recorded it. */
export interface Golden {
  package: string;
  /** The name of its case. */
  name: string;
  workflowId: string;
  /** How many timers fired before the run ended. */
  timers: number;
  boundaries: Boundary[];
  end: { at: number; rows: Rows };
}

export const TABLES = ["config", "workflows", "steps", "events"] as const;

const NOTHING: Rows = { config: [], workflows: [], steps: [], events: [] };

/** Converts a recording to its form in a file. */
export function pack(golden: Golden): Golden {
  let before = NOTHING;
  const changed = <T extends { rows: Rows }>(moment: T): T => {
    const rows = mapTables((table) =>
      changedRows<unknown>(before[table], moment.rows[table]),
    );
    before = moment.rows;
    return { ...moment, rows };
  };
  return {
    ...golden,
    boundaries: golden.boundaries.map(changed),
    end: changed(golden.end),
  };
}

function changedRows<T>(before: T[], after: T[]): T[] {
  const known = new Set(before.map((row) => JSON.stringify(row)));
  return after.filter((row) => !known.has(JSON.stringify(row)));
}

/** Reverses `pack`, so each boundary has all rows. */
export function unpack(golden: Golden): Golden {
  let before = NOTHING;
  const complete = <T extends { rows: Rows }>(moment: T): T => {
    before = mapTables((table) =>
      withChanges<{ _id: string }>(before[table], moment.rows[table]),
    );
    return { ...moment, rows: before };
  };
  return {
    ...golden,
    boundaries: golden.boundaries.map(complete),
    end: complete(golden.end),
  };
}

function withChanges<T extends { _id: string }>(before: T[], changes: T[]) {
  const rows = new Map(before.map((row) => [row._id, row]));
  for (const row of changes) rows.set(row._id, row);
  return [...rows.values()];
}

const mapTables = (rowsOf: (table: keyof Rows) => unknown[]) =>
  Object.fromEntries(
    TABLES.map((table) => [table, rowsOf(table)]),
  ) as unknown as Rows;

/** The journal of a run, in order. */
export function journalOf(rows: Rows, workflowId: string): Doc<"steps">[] {
  return rows.steps
    .filter((step) => step.workflowId === workflowId)
    .sort((a, b) => a.stepNumber - b.stepNumber);
}

/** Returns a case's top-level run. The other runs are nested in it. */
export function runOf({ workflows }: Rows, workflowId: string) {
  const run = workflows.find(({ _id }) => _id === workflowId);
  if (!run) throw new Error(`There is no run ${workflowId}`);
  return run;
}
