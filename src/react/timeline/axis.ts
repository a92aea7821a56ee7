/** A time span, such as a whole run or the visible part of it. */
export type Span = { from: number; to: number };

export const lengthOf = ({ from, to }: Span) => to - from;

/** The shortest span, because nothing in a run takes less time. */
const MIN_SPAN_MS = 20;

/** 1, 2, 5, 10, 20, … milliseconds up to a second, then the units of clocks and calendars. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
  ...[1, 2, 5, 10, 30, 100, 365, 1000].map((days) => days * 86_400_000),
];

function stepFor(ms: number) {
  const largest = STEPS_MS.at(-1)!;
  return (
    STEPS_MS.find((step) => step >= ms) ?? Math.ceil(ms / largest) * largest
  );
}

/**
 * Returns the span of a run. While it runs, its end is rounded up, so bars grow into free space and the scale rarely
 * changes.
 */
export function spanOfRun(run: {
  startedAt: number;
  endedAt?: number;
  now: number;
  /** The latest time of any step, because a step may end after its run. */
  latest?: number;
}): Span {
  const { startedAt: from, endedAt, now, latest = 0 } = run;
  const last = Math.max(endedAt ?? Math.max(now, from), latest);
  const length = Math.max(last - from, MIN_SPAN_MS);
  if (endedAt !== undefined) return { from, to: from + length };
  const step = stepFor(length / 4);
  return { from, to: from + Math.ceil((length * 1.02) / step) * step };
}

/** Zooms by `factor` around the time `at`, within `whole`. A factor below 1 zooms in. */
export function zoom(
  whole: Span,
  shown: Span,
  factor: number,
  at = (shown.from + shown.to) / 2,
): Span {
  const length = lengthOf(shown) * factor;
  const share = (at - shown.from) / lengthOf(shown);
  const from = at - length * share;
  return clamp(whole, { from, to: from + length });
}

export function pan(whole: Span, shown: Span, ms: number): Span {
  return clamp(whole, { from: shown.from + ms, to: shown.to + ms });
}

/** Moves a span into `whole`, and makes it no shorter than the shortest span. */
export function clamp(whole: Span, { from, to }: Span): Span {
  const length = Math.min(
    Math.max(to - from, Math.min(MIN_SPAN_MS, lengthOf(whole))),
    lengthOf(whole),
  );
  const start = Math.min(Math.max(from, whole.from), whole.to - length);
  return { from: start, to: start + length };
}

export const isWhole = (whole: Span, shown: Span) =>
  lengthOf(shown) >= lengthOf(whole);

/** Returns the times to label, as offsets from the run's start, about one for each `gap` pixels. */
export function ticks(
  shown: Span,
  start: number,
  width: number,
  gap = 90,
): number[] {
  const step = stepFor((lengthOf(shown) * gap) / Math.max(width, gap));
  const first = Math.ceil((shown.from - start) / step) * step;
  const result: number[] = [];
  for (let at = first; at <= shown.to - start; at += step) result.push(at);
  return result;
}

/** Returns a segment's position in percent of the visible span, or undefined if it is outside. */
export function place(
  shown: Span,
  from: number,
  to: number,
): { left: number; width: number } | undefined {
  if (to < shown.from || from > shown.to) return undefined;
  const percent = 100 / lengthOf(shown);
  const left = Math.max(0, (from - shown.from) * percent);
  const right = Math.min(100, (to - shown.from) * percent);
  return { left, width: Math.max(0, right - left) };
}
