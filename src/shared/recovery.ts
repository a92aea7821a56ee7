/** Recovers batch after batch until no run is left to check. Returns how many needed it. */
export async function recoverInBatches<Cursor>(
  recoverBatch: (after: Cursor | undefined) => Promise<{
    recovered: number;
    after?: Cursor;
  }>,
): Promise<number> {
  let total = 0;
  let after: Cursor | undefined;
  do {
    const batch = await recoverBatch(after);
    total += batch.recovered;
    after = batch.after;
  } while (after);
  return total;
}
