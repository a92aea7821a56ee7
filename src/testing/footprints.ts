import { compareValues, jsonToConvex, type JSONValue } from "convex/values";
import { onTestFinished } from "vitest";
import { transactionOf, type Calls, type WatchedCall } from "./calls.js";

// Records the component's reads and writes, so that a test can check which transactions may conflict.

type Document = Record<string, any>;

interface Read {
  table: string;
  /** Whether a document is in the read range. Ranges count in full. */
  covers(document: Document): boolean;
  text: string;
}

interface Write {
  table: string;
  id: string;
  /** The document before and after the write, if it existed. */
  versions: Document[];
}

/** The reads and writes of one transaction. */
interface Footprint {
  call: WatchedCall;
  reads: Read[];
  writes: Write[];
}

interface Host {
  syscall(op: string, args: string): string;
  asyncSyscall(op: string, args: string): Promise<string>;
  jsSyscall(op: string, args: object): unknown;
}
type Scope = { Convex: Host };

/** Records reads and writes of the component's tables, on a backend that is wrapped in `calls`. */
export class Footprints {
  private readonly found = new Map<WatchedCall, Footprint>();
  /** The indexes that the component used in transactions and queries. */
  readonly indexes = new Set<string>();
  /** The component's reads without an index. */
  readonly scans = new Set<string>();

  /** Call this after you create the backend. */
  constructor(private readonly calls: Calls) {
    const scope = globalThis as unknown as Scope;
    const host = scope.Convex;
    scope.Convex = {
      jsSyscall: (op, args) => host.jsSyscall(op, args),
      syscall: (op, args) => {
        if (op === "1.0/queryStream") this.noteQuery(JSON.parse(args));
        return host.syscall(op, args);
      },
      asyncSyscall: async (op, args) => await this.observe(host, op, args),
    };
    onTestFinished(() => {
      scope.Convex = host;
    });
  }

  /** Returns the transactions without queries from actions, because those can't conflict. */
  transactions(): Footprint[] {
    return [...this.found.values()].filter(({ writes }) => writes.length > 0);
  }

  private here(): Footprint | undefined {
    const call = this.calls.current();
    if (call?.component !== "workflow") return undefined;
    const unit = transactionOf(call);
    const known = this.found.get(unit);
    if (known) return known;
    const footprint = { call: unit, reads: [], writes: [] };
    this.found.set(unit, footprint);
    return footprint;
  }

  private noteQuery({ query }: { query: Query }) {
    const here = this.here();
    if (!here) return;
    const { source, operators } = query;
    here.reads.push(readOf(source));
    const isScan = source.type !== "IndexRange";
    const name = isScan ? source.tableName : source.indexName;
    if (isScan || operators.some((operator) => "filter" in operator))
      this.scans.add(name);
    else this.indexes.add(name);
  }

  private async observe(host: Host, op: string, json: string) {
    const args = JSON.parse(json) as Document;
    const here = this.here();
    if (op === "1.0/get") here?.reads.push(readOfId(args["id"] as string));
    if (op === "1.0/queryPage") this.noteQuery(args as never);
    if (!here || !WRITES.has(op)) return await host.asyncSyscall(op, json);
    const before = await get(host, args["id"] as string | undefined);
    const result = await host.asyncSyscall(op, json);
    const id = (args["id"] ?? JSON.parse(result)._id) as string;
    const versions = [before, await get(host, id)].filter(
      (doc) => doc !== null,
    );
    here.writes.push({ table: tableOf(id), id, versions });
    return result;
  }
}

const WRITES = new Set([
  "1.0/insert",
  "1.0/shallowMerge",
  "1.0/replace",
  "1.0/remove",
]);

/** Returns the table of an id, because convex-test's ids end with the table's name. */
const tableOf = (id: string) => id.replace(/^\d+/, "");

async function get(host: Host, id: string | undefined) {
  if (id === undefined) return null;
  const found = await host.asyncSyscall("1.0/get", JSON.stringify({ id }));
  return jsonToConvex(JSON.parse(found) as JSONValue) as Document | null;
}

interface Bound {
  type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  fieldPath: string;
  value: JSONValue;
}
type Source =
  | { type: "FullTableScan"; tableName: string }
  | { type: "IndexRange"; indexName: string; range: Bound[] };

type Query = { source: Source; operators: object[] };

const readOfId = (id: string): Read => ({
  table: tableOf(id),
  covers: ({ _id }) => _id === id,
  text: id,
});

function readOf(source: Source): Read {
  const text = JSON.stringify(source);
  if (source.type !== "IndexRange")
    return { table: source.tableName, covers: () => true, text };
  return {
    table: source.indexName.split(".")[0]!,
    covers: (document) => source.range.every((bound) => holds(bound, document)),
    text,
  };
}

function holds({ type, fieldPath, value }: Bound, document: Document) {
  const found = fieldPath
    .split(".")
    .reduce<any>((at, field) => at?.[field], document);
  const isAbsent =
    value !== null && Object.hasOwn(value as object, "$undefined");
  const order = compareValues(
    found,
    isAbsent ? undefined : jsonToConvex(value),
  );
  switch (type) {
    case "Eq":
      return order === 0;
    case "Gt":
      return order > 0;
    case "Gte":
      return order >= 0;
    case "Lt":
      return order < 0;
    case "Lte":
      return order <= 0;
  }
}

/** Returns the reads and writes by which transactions of different runs can conflict. A run and its children count as one. */
export function crossRunConflicts(transactions: Footprint[]): string[] {
  const parents = new Map<string, string | undefined>();
  for (const { table, id, versions } of transactions.flatMap((t) => t.writes))
    if (table === "workflows")
      parents.set(id, versions.at(-1)!["parent"]?.workflowId);
  const family = (id: string): string =>
    parents.get(id) === undefined ? id : family(parents.get(id)!);
  const familyOf = ({ table, id, versions }: Write) => {
    if (table === "workflows") return family(id);
    const row = versions.at(-1)!;
    const named =
      table === "tasks" ? (row["args"].runs?.[0] ?? row["args"]) : row;
    return family(named.workflowId ?? named.run?._id ?? `none: ${table}`);
  };
  const found = new Set<string>();
  const ofFamily = new Map<string, Footprint[]>();
  for (const transaction of transactions) {
    const families = [...new Set(transaction.writes.map(familyOf))];
    if (families.length > 1)
      found.add(`${transaction.call.path} writes of ${families.join(", ")}`);
    for (const each of families)
      ofFamily.set(each, [...(ofFamily.get(each) ?? []), transaction]);
  }
  for (const [reader, readers] of ofFamily)
    for (const [writer, writers] of ofFamily)
      if (reader !== writer)
        for (const { call, reads } of readers)
          for (const read of reads)
            for (const { writes, call: by } of writers)
              if (writes.some((write) => isRead(read, write)))
                found.add(
                  `${call.path} reads ${read.text}, which ${by.path} writes`,
                );
  return [...found];
}

const isRead = (read: Read, { table, versions }: Write) =>
  read.table === table && versions.some((version) => read.covers(version));
