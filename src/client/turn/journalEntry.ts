import type { FunctionReturnType } from "convex/server";
import type { ComponentApi } from "../../component/_generated/component.js";
import type {
  Drive as ProtocolDrive,
  DriveReply as ProtocolReply,
} from "../../shared/driverProtocol.js";
import { toOutcome } from "../../shared/outcome.js";
import { sizeOf } from "../../shared/storable.js";
import type { JournalEntry } from "../replay/journal.js";

export type Begun = Extract<
  FunctionReturnType<ComponentApi["journal"]["beginTurn"]>,
  object
>;
export type Run = Begun["workflow"];
export type StepRow = Exclude<
  NonNullable<Begun["journal"]>[number],
  string
>[number];

export type Drive = ProtocolDrive<StepRow>;
export type DriveReply = ProtocolReply<StepRow>;

/** Parses rows from the pages of a turn. A page is JSON text, a row, or a list of rows. */
export const rowsOf = (pages: (string | StepRow | StepRow[])[]): StepRow[] =>
  pages.flatMap((page) =>
    typeof page === "string" ? (JSON.parse(page) as StepRow[]) : page,
  );

/** Converts a row of the steps table to an entry of the replay core. */
export function toEntry(row: StepRow, generationNumber?: number): JournalEntry {
  const { step, heldBack } = row;
  const kind = step.kind ?? "function";
  return {
    stepId: row._id,
    kind,
    functionType: "functionType" in step ? step.functionType : undefined,
    name: step.name,
    args: step.args as Record<string, unknown>,
    argsOmitted: row.argsOmitted,
    startedAt: step.startedAt,
    // Rows of 0.4 may have the failure's data in the result.
    outcome: step.runResult && toOutcome(step.runResult, row.failure),
    // Nothing needs the size of a delivered result.
    bytes: row.delivery ? 0 : sizeOf(row),
    completedAt: step.completedAt ?? step.startedAt,
    delivery: row.delivery,
    heldBack:
      heldBack?.generationNumber === generationNumber ? heldBack : undefined,
    condition: { wakes: row.wakes ?? "always", group: row.group },
    unstarted: row.unstarted,
  };
}
