import type { Host } from "./host.js";

/** A query as functions pass it to the host. */
export interface Query {
  source: { indexName?: string; tableName?: string };
  operators: ({ filter: unknown } | { limit: number })[];
}

interface Scan {
  /** The same query without its filter, as arguments of the next read. */
  twin: string;
  /** How many more documents the query may return. */
  left: number;
}

/**
 * A filter reads documents that it drops, but convex-test doesn't report them. So the same query runs without the
 * filter next to it, up to the filtered results, and is counted instead.
 */
export class FilterScans {
  /** The key is the component and the id, because each component counts its own ids. */
  private readonly scans = new Map<string, Scan>();

  begin(host: Host, component: string, args: string, result: string) {
    const { query } = JSON.parse(args) as { query: Query };
    const key = component + result;
    // An earlier backend may have used the same key.
    this.scans.delete(key);
    if (!query.operators.some((operator) => "filter" in operator)) return;
    const limits = query.operators.flatMap((operator) =>
      "limit" in operator ? [operator.limit] : [],
    );
    const unfiltered = { query: { ...query, operators: [] } };
    this.scans.set(key, {
      twin: host.syscall("1.0/queryStream", JSON.stringify(unfiltered)),
      left: Math.min(Infinity, ...limits),
    });
  }

  isFiltered(component: string, args: string): boolean {
    return this.scans.has(component + args);
  }

  /** Lets the twin read as far as the filtered query had to read for `result`. */
  async follow(
    component: string,
    args: string,
    result: string,
    readNext: (twin: string) => Promise<string>,
  ) {
    const scan = this.scans.get(component + args)!;
    if (scan.left <= 0) return;
    const id = idOf(result);
    for (;;) {
      const scanned = idOf(await readNext(scan.twin));
      if (scanned === undefined || scanned === id) break;
    }
    scan.left = id === undefined ? 0 : scan.left - 1;
  }
}

function idOf(next: string): string | undefined {
  const { value, done } = JSON.parse(next) as {
    value: { _id: string } | null;
    done: boolean;
  };
  return done ? undefined : value?._id;
}
