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
  /** Those of them that are queries. */
  queries: number;
  actions: number;
  /** Functions that the scheduler began. */
  hops: number;
  /** Calls inside of transactions: each is a fresh context on the platform. */
  nestedCalls: number;
  /** The deepest of them. */
  depth: number;
  /** Of the transaction that read most. */
  mostDocumentsRead: number;
  /** As the clock of the model says. */
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

/** All but the times. */
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
