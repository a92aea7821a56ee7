import type { Host } from "./host.js";

/** What the transaction under way has used so far: the counts that `ctx.meta` gives functions. */
export interface Usage {
  documentsRead: number;
  bytesRead: number;
  documentsWritten: number;
  bytesWritten: number;
}

type Metrics = Record<keyof Usage, { used: number }>;

export async function usageOf(host: Host): Promise<Usage> {
  const text = await host.asyncSyscall("1.0/getTransactionMetrics", "{}");
  const metrics = JSON.parse(text) as Metrics;
  return {
    documentsRead: metrics.documentsRead.used,
    bytesRead: metrics.bytesRead.used,
    documentsWritten: metrics.documentsWritten.used,
    bytesWritten: metrics.bytesWritten.used,
  };
}
