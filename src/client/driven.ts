import type { FunctionArgs } from "convex/server";
import {
  canBeHeld,
  drivenStep,
  type DriveReply as Reply,
  type Held,
} from "../shared/driving.js";
import type { LogLevel } from "../component/logging.js";
import type { StepRow } from "./entries.js";
import type { WorkflowComponent } from "./types.js";

export type DriveReply = Reply<StepRow>;

type BeginArgs = FunctionArgs<WorkflowComponent["journal"]["beginTurn"]>;

/** What a driver brings to a turn: the step it executed, and the copy of the journal that it holds. */
export interface Drive {
  driver: number;
  stepNumber: number;
  outcome?: NonNullable<BeginArgs["drive"]>["outcome"];
  handsOver: boolean;
  held?: Held<StepRow>;
}

/** What of it the component needs. */
export function toBeginArgs({
  driver,
  stepNumber,
  outcome,
  held,
}: Drive): BeginArgs["drive"] {
  return {
    driver,
    stepNumber,
    outcome,
    held: held && {
      revision: held.revision,
      size: held.size,
      logLevel: held.logLevel,
    },
  };
}

/** The rows of a journal that a turn has changed or added, for its driver. */
export class ChangedRows {
  private readonly changed = new Map<number, StepRow>();
  private readonly byId: Map<string, StepRow>;

  constructor(private readonly rows: StepRow[]) {
    this.byId = new Map(rows.map((row) => [row._id, row]));
  }

  rowOf(stepId: string): StepRow {
    return this.byId.get(stepId)!;
  }

  change(stepId: string, fields: Partial<StepRow>) {
    this.add({ ...this.rowOf(stepId), ...fields });
  }

  add(row: StepRow) {
    this.byId.set(row._id, row);
    this.rows[row.stepNumber] = row;
    this.changed.set(row.stepNumber, row);
  }

  /** What to tell the driver; nothing when there is no step for it to execute. */
  reply(
    driver: number,
    {
      size,
      ...journal
    }: {
      revision: number;
      logLevel: LogLevel;
      size: number;
      isWhole: boolean;
    },
  ): DriveReply | undefined {
    const { rows } = this;
    const known = journal.isWhole ? rows : [...this.changed.values()];
    const next = known.find(
      ({ drivenBy, step }) => drivenBy === driver && step.inProgress,
    );
    if (!next) return undefined;
    return {
      kind: "driving",
      next: drivenStep(next),
      ...journal,
      rows: canBeHeld({ size, rows }) ? known : undefined,
    };
  }
}
