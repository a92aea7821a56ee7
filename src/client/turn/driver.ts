import type { FunctionArgs } from "convex/server";
import {
  canBeHeld,
  drivenStep,
  type Drive as ProtocolDrive,
  type DriveReply as Reply,
} from "../../shared/driverProtocol.js";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { Outcome } from "../../shared/outcome.js";
import type { StepRow } from "./journalEntry.js";

export type DriveReply = Reply<StepRow>;

export type Drive = ProtocolDrive<StepRow>;

type BeginArgs = FunctionArgs<ComponentApi["journal"]["beginTurn"]>;

/** The part of a driver's message that begins a turn. */
export function toBeginArgs({
  driver,
  stepNumber,
  outcome,
  held,
}: Drive): BeginArgs["drive"] {
  if (!held) return { driver, stepNumber, outcome };
  const { rows: _, ...copy } = held;
  return { driver, stepNumber, outcome, held: copy };
}

/** Tracks the rows of a journal that a turn changes or adds, so that its driver can update its copy. */
export class ChangedRows {
  private readonly changed = new Map<number, StepRow>();
  constructor(private readonly rows: StepRow[]) {}

  rowAt(stepNumber: number): StepRow | undefined {
    return this.rows[stepNumber];
  }

  complete(stepNumber: number, outcome: Outcome, completedAt: number) {
    const { step } = this.rows[stepNumber]!;
    const { result: runResult, failure } = outcome;
    const completed = { inProgress: false, runResult, completedAt };
    this.change(stepNumber, { step: { ...step, ...completed }, failure });
  }

  change(stepNumber: number, fields: Partial<StepRow>) {
    this.add({ ...this.rows[stepNumber]!, ...fields });
  }

  add(row: StepRow) {
    this.rows[row.stepNumber] = row;
    this.changed.set(row.stepNumber, row);
  }

  /** The reply to the driver. Undefined if there is no step for it to execute. */
  reply(
    driver: number,
    size: number,
    journal: Pick<DriveReply, "revision" | "logLevel" | "isWhole">,
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
