import type { ConsoleStep } from "../api.js";

export const SEGMENT_KINDS = {
  scheduled: "Scheduled",
  queued: "Queued",
  running: "Running",
  waiting: "Waiting",
  backingOff: "Backing off",
  succeeded: "Succeeded",
  failed: "Failed",
  canceled: "Canceled",
  due: "Due",
} as const;
export type SegmentKind = keyof typeof SEGMENT_KINDS;

/** A part of a step's bar. */
export type Segment = {
  kind: SegmentKind;
  from: number;
  to: number;
  /** The index among the known attempts, if this is an attempt. */
  attempt?: number;
};

/** Returns the kind of a step's result, or that it is in flight. */
export function outcomeOf(
  step: ConsoleStep,
): "succeeded" | "failed" | "canceled" | undefined {
  if (step.outcome === undefined)
    return step.state === "done" ? "canceled" : undefined;
  return step.outcome === "success" ? "succeeded" : step.outcome;
}

/** Returns a step's bar: its attempts, the time between them, and the time until it is due. */
export function segmentsOf(step: ConsoleStep, now: number): Segment[] {
  const { startedAt, completedAt, dueAt, state, kind } = step;
  const outcome = outcomeOf(step);
  const end = Math.max(startedAt, completedAt ?? now);
  const segments: Segment[] = [];
  let at = startedAt;
  const until = (to: number, segment: SegmentKind, attempt?: number) => {
    const clipped = Math.min(Math.max(to, at), end);
    // An attempt is visible even if it took no time.
    if (clipped > at || attempt !== undefined)
      segments.push({ kind: segment, from: at, to: clipped, attempt });
    at = clipped;
  };

  for (const [index, attempt] of step.attempts.entries()) {
    until(attempt.startedAt, index === 0 ? "queued" : "backingOff");
    const result =
      attempt.error !== undefined
        ? "failed"
        : attempt.endedAt === undefined
          ? (outcome ?? "running")
          : (outcome ?? "succeeded");
    until(attempt.endedAt ?? end, result, index);
  }
  if (outcome === undefined) until(end, state === "done" ? "canceled" : state);
  else if (step.attempts.length === 0)
    // For a sleep, a wait or a child, only the whole time is known.
    until(
      end,
      isWait(kind) && outcome === "succeeded" ? "waiting" : outcome,
      0,
    );
  else until(end, outcome);

  if (outcome === undefined && dueAt !== undefined && dueAt > end)
    segments.push({ kind: "due", from: end, to: dueAt });
  return segments;
}

const isWait = (kind: ConsoleStep["kind"]) =>
  kind === "event" || kind === "sleep";

/** Returns the latest time that a step has reached. Excludes its due time, which may be years away. */
export const latestOf = (step: ConsoleStep) =>
  step.completedAt ?? step.startedAt;
