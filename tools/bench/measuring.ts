import { cpuUsage } from "node:process";
import { clock } from "./clock.js";
import {
  countsOfUnit,
  depthOf,
  isNested,
  type Call,
} from "./recording/call.js";
import { addTo, noCounts, type Counts } from "./recording/counts.js";
import { recorder } from "./recording/recorder.js";

/** The counts of a span of time. */
export interface Figures extends Counts {
  /** Mutations and queries that no other transaction called. */
  transactions: number;
  /** The queries among these transactions. */
  queries: number;
  actions: number;
  /** Functions that the scheduler started. */
  hops: number;
  /** Calls inside transactions. On the platform, each one gets a fresh context. */
  nestedCalls: number;
  /** The depth of the deepest nested call. */
  depth: number;
  /** Documents read by the transaction that read most. */
  mostDocumentsRead: number;
  /** The elapsed time in the latency model. */
  modelledMs: number;
  /** The time on this machine, including convex-test and recording. */
  cpuMs: number;
}

export interface Measured {
  figures: Figures;
  calls: Call[];
}

export async function measure(body: () => Promise<void>): Promise<Measured> {
  const began = clock.elapsed();
  const cpu = cpuUsage();
  const calls = await recorder.during(body);
  const { user, system } = cpuUsage(cpu);
  const figures = {
    ...figuresOf(calls),
    modelledMs: clock.elapsed() - began,
    cpuMs: (user + system) / 1000,
  };
  return { figures, calls };
}

/** Returns all figures except the times. */
export function figuresOf(calls: Call[]): Figures {
  const units = calls.filter((call) => !isNested(call));
  const sum = noCounts();
  for (const { counts } of calls) addTo(sum, counts);
  const transactions = units.filter(({ kind }) => kind !== "action");
  return {
    ...sum,
    transactions: transactions.length,
    queries: units.filter(({ kind }) => kind === "query").length,
    actions: units.length - transactions.length,
    hops: units.filter(({ job }) => job !== undefined).length,
    nestedCalls: calls.length - units.length,
    depth: most(calls.map(depthOf)),
    mostDocumentsRead: most(
      transactions.map((unit) => countsOfUnit(unit).documentsRead),
    ),
    modelledMs: 0,
    cpuMs: 0,
  };
}

const most = (values: number[]) =>
  values.reduce((max, value) => Math.max(max, value), 0);
