/** How often and when a failed action is retried. */
export interface RetryBehavior {
  /** The maximum number of attempts. */
  maxAttempts: number;
  /** The backoff after the first failed attempt, in milliseconds. */
  initialBackoffMs: number;
  /** The factor by which each backoff exceeds the one before. */
  base: number;
  /** The longest backoff, in milliseconds. Default: a year. */
  maxBackoffMs?: number;
}

/** Whether another attempt follows if the current one fails. */
export const isRetried = (step: {
  retry?: RetryBehavior;
  failedAttempts?: number;
}) =>
  step.retry !== undefined &&
  (step.failedAttempts ?? 0) + 1 < step.retry.maxAttempts;

/** Returns the error of an invalid retry policy. It begins with `what`. */
export function retryProblem(
  what: string,
  { maxAttempts, initialBackoffMs, base, maxBackoffMs = 0 }: RetryBehavior,
): string | undefined {
  const problem = (option: string, value: number, expected: string) =>
    `${what}.${option} is ${value}. Expected ${expected}.`;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1)
    return problem("maxAttempts", maxAttempts, "a whole number from 1");
  if (!(base > 0 && Number.isFinite(base)))
    return problem("base", base, "a number above 0");
  for (const [option, ms] of Object.entries({ initialBackoffMs, maxBackoffMs }))
    if (!(ms >= 0 && Number.isFinite(ms)))
      return problem(option, ms, "milliseconds from 0");
  return undefined;
}

/** Varies a delay by up to half, so that simultaneous waits don't all end at once. */
export const varied = (ms: number) => ms * (0.5 + Math.random());

const LONGEST_BACKOFF_MS = 365 * 24 * 60 * 60 * 1000;

/** Returns the backoff after the nth failure. It varies randomly around the policy's, and can always be scheduled. */
export function pauseMs(
  { initialBackoffMs, base, maxBackoffMs = LONGEST_BACKOFF_MS }: RetryBehavior,
  failedAttempts: number,
): number {
  const exact = initialBackoffMs * base ** (failedAttempts - 1);
  if (!(exact >= 0)) return 0;
  return Math.min(varied(Math.min(exact, LONGEST_BACKOFF_MS)), maxBackoffMs);
}
