import type { Host } from "./host.js";

/** The current transaction's usage so far, as `ctx.meta` reports it. */
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
