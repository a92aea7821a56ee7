import type { LogLevel } from "../component/logging.js";

/** A larger journal is read again by every turn, instead of being handed over. */
const MAX_HELD_BYTES = 4 * (1 << 20);

/** One array may hold 8,192. */
const MAX_HELD_ROWS = 8000;

/** The copy of a journal that a driver holds. */
export interface Held<Row> {
  revision: number;
  size: number;
  logLevel: LogLevel;
  rows: Row[];
}

/** Whether a driver may hold a copy of a journal. */
export const canBeHeld = (journal: { size: number; rows: unknown[] }) =>
  journal.size <= MAX_HELD_BYTES && journal.rows.length <= MAX_HELD_ROWS;

/** The step that a driver is to execute next: an action with all it takes to call it. */
export interface DrivenStep {
  stepNumber: number;
  action?: { handle: string; args: unknown; name: string };
  /** The run may have been canceled or restarted since: to be asked before an action begins. */
  unsure?: boolean;
}

export function drivenStep(row: {
  stepNumber: number;
  step: {
    name: string;
    args?: unknown;
    functionType?: string;
    handle?: string;
  };
}): DrivenStep {
  const { stepNumber, step } = row;
  const { functionType, handle, name, args } = step;
  if (functionType !== "action") return { stepNumber };
  return { stepNumber, action: { handle: handle!, name, args } };
}

/** What a turn tells its driver. */
export interface DriveReply<Row> {
  kind: "driving";
  next: DrivenStep;
  /** Of the journal, as of this turn. */
  revision: number;
  logLevel: LogLevel;
  /** All of the journal, or what has changed of it. Absent: it is too large to be handed over. */
  rows?: Row[];
  isWhole: boolean;
}
