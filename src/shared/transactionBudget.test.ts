import type { TransactionLimits, TransactionMetrics } from "convex/server";
import { describe, expect, test } from "vitest";
import {
  FUNCTION_LOADING_RANGES as LOADING,
  limitsAfterReserving,
  type Reserve,
} from "./transactionBudget.js";

const RESERVE: Reserve = {
  documentsRead: 10,
  documentsWritten: 10,
  databaseQueries: 10,
  functionsScheduled: 10,
  scheduledFunctionArgsBytes: 10,
  bytesRead: 10,
  bytesWritten: 10,
};

/** Returns a nested function's limits if `remaining` of 10,000 is left of each limit. */
async function room(remaining: number, asked?: TransactionLimits) {
  const metric = { used: 10_000 - remaining, remaining };
  const metrics = Object.fromEntries(
    Object.keys(RESERVE).map((key) => [key, metric]),
  );
  const meta = {
    getTransactionMetrics: () =>
      Promise.resolve(metrics as unknown as TransactionMetrics),
  };
  return await limitsAfterReserving({ meta }, RESERVE, asked);
}

describe("the budget of a nested function", () => {
  test("is the rest without the reserve", async () => {
    const { fits, transactionLimits } = await room(1000);
    expect(fits).toBe(true);
    expect(new Set(Object.values(transactionLimits!))).toEqual(new Set([990]));
  });

  test("is at most the requested limit", async () => {
    const { transactionLimits } = await room(1000, { documentsWritten: 3 });
    expect(transactionLimits).toMatchObject({
      documentsWritten: 3,
      documentsRead: 990,
    });
  });

  test("includes index ranges for loading its modules, in addition to the requested ones", async () => {
    const { transactionLimits } = await room(1000, { databaseQueries: 0 });
    expect(transactionLimits).toMatchObject({ databaseQueries: LOADING });
  });

  test("never has more index ranges than are left", async () => {
    const { fits, transactionLimits } = await room(100, {
      databaseQueries: 80,
    });
    expect(transactionLimits).toMatchObject({ databaseQueries: 90 });
    expect(fits).toBe(true);
  });

  test("is zero if loading its modules may exceed the rest", async () => {
    expect(await room(10 + LOADING)).toMatchObject({ fits: true });
    expect(await room(9 + LOADING)).toMatchObject({ fits: false });
    expect(await room(9 + LOADING, { databaseQueries: 10_000 })).toMatchObject({
      fits: false,
    });
  });

  test("is unknown on a backend that can't report it, and the function is still called", async () => {
    const getTransactionMetrics = () => Promise.reject(new Error("unknown"));
    const ctx = { meta: { getTransactionMetrics } };
    expect(await limitsAfterReserving(ctx, RESERVE)).toEqual({ fits: true });
  });
});
