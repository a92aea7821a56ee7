import { addTo, noCounts, type Counts } from "./counts.js";

export type Kind = "query" | "mutation" | "action";

/** One execution of a function of the app or of a component. */
export interface Call {
  /** Calls are numbered in the order in which they begin. */
  number: number;
  kind: Kind;
  /** The path of its component, or "app". */
  component: string;
  /** The module and the export. */
  name: string;
  /** Its argument `i`, which identifies the step. All arguments would take too much memory. */
  i: unknown;
  caller: Call | undefined;
  /** Its calls, in order. */
  calls: Call[];
  /** It began as a job of the scheduler. */
  job: Job | undefined;
  beganAt: number;
  failed: boolean;
  /** Its own counts, without those of its calls. */
  counts: Counts;
  /** Descriptions of its own reads and writes, in order. */
  operations: string[];
}

/** A function that the scheduler starts. */
export interface Job {
  /** Absent if it was scheduled outside the recording. */
  by: Call | undefined;
  delay: number;
}

/** Whether a call runs inside its caller's transaction. */
export const isNested = ({ kind, caller }: Call): boolean =>
  kind !== "action" && caller !== undefined && caller.kind !== "action";

/** Returns the transaction or action in which a call runs. */
export function unitOf(call: Call): Call {
  return isNested(call) ? unitOf(call.caller!) : call;
}

/** Returns how deep a call is nested in its transaction. The platform allows 8 levels. */
export function depthOf(call: Call): number {
  return isNested(call) ? 1 + depthOf(call.caller!) : 0;
}

/** Sums the counts of a transaction and everything nested in it. */
export function countsOfUnit(unit: Call): Counts {
  const sum = noCounts();
  const add = (call: Call) => {
    addTo(sum, call.counts);
    call.calls.filter(isNested).forEach(add);
  };
  add(unit);
  return sum;
}
