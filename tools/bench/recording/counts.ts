/** Counts reads, writes and scheduled functions. */
export interface Counts {
  /** Reads by id and queries. */
  indexRanges: number;
  /** Includes reads that a patch, a replace or a delete implies. */
  documentsRead: number;
  /** Counts only those implied reads. */
  impliedReads: number;
  bytesRead: number;
  documentsWritten: number;
  bytesWritten: number;
  scheduled: number;
}

export const noCounts = (): Counts => ({
  indexRanges: 0,
  documentsRead: 0,
  impliedReads: 0,
  bytesRead: 0,
  documentsWritten: 0,
  bytesWritten: 0,
  scheduled: 0,
});

export function addTo(sum: Counts, counts: Counts) {
  for (const key of Object.keys(counts) as (keyof Counts)[])
    sum[key] += counts[key];
}
