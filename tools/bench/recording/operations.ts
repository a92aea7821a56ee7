import type { Call } from "./call.js";
import { FilterScans, type Query } from "./filterScans.js";
import { observeHost, type Host } from "./host.js";
import { recorder } from "./recorder.js";
import { usageOf } from "./usage.js";

/** Records the host operations of functions, in the call that makes them. */
export function recordOperations() {
  const scans = new FilterScans();
  observeHost((host) => ({
    syscall(op, args) {
      const result = host.syscall(op, args);
      const call = recorder.current();
      if (op !== "1.0/queryStream" || !call) return result;
      recordQuery(call, args);
      scans.begin(host, call.component, args, result);
      return result;
    },
    async asyncSyscall(op, args) {
      const call = recorder.current();
      if (!call) return await host.asyncSyscall(op, args);
      if (op === NEXT && scans.isFiltered(call.component, args)) {
        const result = await host.asyncSyscall(op, args);
        await scans.follow(call.component, args, result, (twin) =>
          recordAccess(host, call, op, twin),
        );
        return result;
      }
      if (op in READS || op in WRITES)
        return await recordAccess(host, call, op, args);
      if (op.endsWith("/schedule"))
        return await recordJob(host, call, op, args);
      return await host.asyncSyscall(op, args);
    },
    jsSyscall: (op, args) => host.jsSyscall(op, args),
  }));
}

const NEXT = "1.0/queryStreamNext";

/** Operations that read, and how many index ranges each takes. */
const READS: Record<string, number> = {
  "1.0/get": 1,
  "1.0/queryPage": 1,
  [NEXT]: 0,
};
const WRITES: Record<string, string> = {
  "1.0/insert": "insert",
  "1.0/shallowMerge": "patch",
  "1.0/replace": "replace",
  "1.0/remove": "delete",
};

function recordQuery(call: Call, args: string) {
  const { query } = JSON.parse(args) as { query: Query };
  call.counts.indexRanges++;
  call.operations.push(`query ${tableOf(query)}`);
}

const tableOf = ({ source }: Query): string =>
  source.tableName ?? source.indexName ?? "?";

/**
 * The cost of an operation is the difference in usage. Database operations are done when the call returns, before its
 * promise resolves, so nothing interferes.
 */
async function recordAccess(host: Host, call: Call, op: string, args: string) {
  const [before, result, after] = await Promise.all([
    usageOf(host),
    host.asyncSyscall(op, args),
    usageOf(host),
  ]);
  const documentsRead = after.documentsRead - before.documentsRead;
  const { counts } = call;
  counts.indexRanges += READS[op] ?? 0;
  counts.documentsRead += documentsRead;
  if (op in WRITES) counts.impliedReads += documentsRead;
  counts.bytesRead += after.bytesRead - before.bytesRead;
  counts.documentsWritten += after.documentsWritten - before.documentsWritten;
  counts.bytesWritten += after.bytesWritten - before.bytesWritten;
  recordWords(call, op, args, documentsRead);
  return result;
}

function recordWords(call: Call, op: string, args: string, read: number) {
  const { operations } = call;
  if (op in WRITES) operations.push(`${WRITES[op]} ${tableOfAccess(args)}`);
  else if (op === NEXT) {
    if (read > 0) operations.push("next");
  } else operations.push(`get ${tableOfAccess(args)}`);
}

interface Access {
  table?: string;
  id?: string;
  query?: Query;
}

/** An id of convex-test ends with its table's name. */
function tableOfAccess(args: string): string {
  const { table, id, query } = JSON.parse(args) as Access;
  return table ?? id?.replace(/^\d+/, "") ?? (query ? tableOf(query) : "?");
}

interface Scheduling {
  name?: string;
  functionHandle?: string;
  /** The due time in seconds. */
  ts: number;
}

async function recordJob(host: Host, call: Call, op: string, args: string) {
  const scheduling = JSON.parse(args) as Scheduling;
  const due = Math.max(scheduling.ts * 1000, Date.now());
  const ts = (due + recorder.latency.hop()) / 1000;
  const delay = due - Date.now();
  const target = targetOf(scheduling, call);
  const jobId = await host.asyncSyscall(
    op,
    JSON.stringify({ ...scheduling, ts }),
  );
  call.counts.scheduled++;
  call.operations.push(`schedule ${target.component}/${target.name}`);
  recorder.scheduled(JSON.parse(jobId) as string, target, delay);
  return jobId;
}

function targetOf({ name, functionHandle }: Scheduling, call: Call) {
  const [, component, path] =
    /^function:\/\/([^;]*);(.*)$/.exec(functionHandle ?? "") ?? [];
  if (path === undefined)
    return { component: call.component, name: name ?? "?" };
  return { component: component || "app", name: path };
}
