type Syscall = (op: string, args: string) => Promise<string>;

/**
 * Makes everything in this transaction fail from now on, as if it had run out of time. No code can catch
 * that, and none of its writes remain.
 */
export async function timeOutTransaction(): Promise<never> {
  const { Convex } = globalThis as unknown as { Convex: object };
  const working = Object.getOwnPropertyDescriptor(Convex, "asyncSyscall")!;
  const host = () => working.get!.call(Convex) as Syscall;
  const usedBefore = await indexRangesRead(host());
  const timedOut: Syscall = async (op, args) => {
    // The next transaction has read fewer ranges.
    if ((await indexRangesRead(host())) < usedBefore) {
      Object.defineProperty(Convex, "asyncSyscall", working);
      return await host()(op, args);
    }
    throw new Error("Function execution timed out");
  };
  Object.defineProperty(Convex, "asyncSyscall", {
    configurable: true,
    get: () => timedOut,
  });
  throw new Error("Function execution timed out");
}

async function indexRangesRead(host: Syscall): Promise<number> {
  try {
    const metrics = await host("1.0/getTransactionMetrics", "{}");
    return (JSON.parse(metrics) as { databaseQueries: { used: number } })
      .databaseQueries.used;
  } catch {
    return -1; // Outside a transaction.
  }
}
