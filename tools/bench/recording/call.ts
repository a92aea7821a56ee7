import { addTo, noCounts, type Counts } from "./counts.js";

export type Kind = "query" | "mutation" | "action";

/** One execution of a function of the app or of a component. */
export interface Call {
  /** In order of beginning. */
  number: number;
  kind: Kind;
  /** The path of its component; the app's is "app". */
  component: string;
  /** Module and export. */
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
  /** Its own reads and writes in order, as words. */
  operations: string[];
}

/** A function that the scheduler starts. */
export interface Job {
  /** Absent if it was scheduled outside the recording. */
  by: Call | undefined;
  delay: number;
}

/** It runs inside its caller's transaction. */
export const isNested = ({ kind, caller }: Call): boolean =>
  kind !== "action" && caller !== undefined && caller.kind !== "action";

/** The transaction or action in which a call runs. */
export function unitOf(call: Call): Call {
  return isNested(call) ? unitOf(call.caller!) : call;
}

/** Levels of calls between it and the function that began its transaction. The platform allows 8. */
export function depthOf(call: Call): number {
  return isNested(call) ? 1 + depthOf(call.caller!) : 0;
}

/** Its own and those of all that ran inside its transaction. */
export function countsOfUnit(unit: Call): Counts {
  const sum = noCounts();
  const add = (call: Call) => {
    addTo(sum, call.counts);
    call.calls.filter(isNested).forEach(add);
  };
  add(unit);
  return sum;
}
