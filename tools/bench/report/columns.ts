import type { Figures } from "../measuring.js";

interface Column {
  title: string;
  description: string;
  value: (figures: Figures) => number;
}

const kilobytes = (bytes: number) => Math.round(bytes / 1000);

export const COLUMNS: Column[] = [
  {
    title: "tx",
    description:
      "transactions: mutations and queries that no other transaction called",
    value: ({ transactions }) => transactions,
  },
  {
    title: "actions",
    description: "actions, those that are steps included",
    value: ({ actions }) => actions,
  },
  {
    title: "hops",
    description: "functions that the scheduler began",
    value: ({ hops }) => hops,
  },
  {
    title: "nested",
    description:
      "calls inside of transactions, each a fresh context on the platform",
    value: ({ nestedCalls }) => nestedCalls,
  },
  {
    title: "depth",
    description:
      "levels of calls below the function that began the transaction; the platform allows 8",
    value: ({ depth }) => depth,
  },
  {
    title: "ranges",
    description: "index ranges read",
    value: ({ indexRanges }) => indexRanges,
  },
  {
    title: "docs read",
    description:
      "documents read, also those that a patch, replace or delete implies",
    value: ({ documentsRead }) => documentsRead,
  },
  {
    title: "implied",
    description: "of these, the implied ones",
    value: ({ impliedReads }) => impliedReads,
  },
  {
    title: "most read",
    description: "documents read by the transaction that read most",
    value: ({ mostDocumentsRead }) => mostDocumentsRead,
  },
  {
    title: "kB read",
    description: "thousands of bytes of them",
    value: ({ bytesRead }) => kilobytes(bytesRead),
  },
  {
    title: "docs written",
    description: "documents inserted, patched, replaced or deleted",
    value: ({ documentsWritten }) => documentsWritten,
  },
  {
    title: "kB written",
    description: "thousands of bytes of them, each document whole",
    value: ({ bytesWritten }) => kilobytes(bytesWritten),
  },
  {
    title: "ms waited",
    description:
      "time until the handlers have returned, where functions take none: the pool's own delays, and sleeps",
    value: ({ modelledMs }) => Math.round(modelledMs),
  },
  {
    title: "CPU ms",
    description: "what the machine took, convex-test and counting included",
    value: ({ cpuMs }) => Math.round(cpuMs),
  },
];

/** Formats the ratio of `before` to `after`. */
export function ratio(before: number, after: number): string {
  if (before === after) return "1";
  if (before === 0) return "0";
  if (after === 0) return "∞";
  const times = before / after;
  return times >= 100 ? times.toFixed(0) : times.toFixed(times >= 10 ? 1 : 2);
}
