import type { LogLevel } from "../component/logging.js";

/** The step that a driver is to execute next: an action with all it takes to call it. */
export interface DrivenStep {
  stepNumber: number;
  action?: { handle: string; args: unknown; name: string };
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
  /** All of the journal, or what has changed of it. */
  rows: Row[];
  isWhole: boolean;
}
