/** How often and when a failed action is retried. */
export interface RetryBehavior {
  maxAttempts: number;
  initialBackoffMs: number;
  base: number;
}

/** Whether another attempt follows if the current one fails. */
export const isRetried = (step: {
  retry?: RetryBehavior;
  failedAttempts?: number;
}) =>
  step.retry !== undefined &&
  (step.failedAttempts ?? 0) + 1 < step.retry.maxAttempts;

/** The error of an invalid retry policy. It begins with `what`. */
export function whyRetryRefused(
  what: string,
  { maxAttempts, initialBackoffMs, base }: RetryBehavior,
): string | undefined {
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1)
    return `${what}.maxAttempts is ${maxAttempts}. Expected a whole number from 1.`;
  if (!(initialBackoffMs >= 0 && Number.isFinite(initialBackoffMs)))
    return `${what}.initialBackoffMs is ${initialBackoffMs}. Expected milliseconds from 0.`;
  if (!(base > 0 && Number.isFinite(base)))
    return `${what}.base is ${base}. Expected a number above 0.`;
  return undefined;
}

/** Varies a delay by up to half, so that simultaneous waits don't all end at once. */
export const varied = (ms: number) => ms * (0.5 + Math.random());

const LONGEST_BACKOFF_MS = 365 * 24 * 60 * 60 * 1000;

/** The pause after the nth failure before it is varied. It is always a delay that can be scheduled. */
export function backoffMs(
  { initialBackoffMs, base }: RetryBehavior,
  failedAttempts: number,
): number {
  const exact = initialBackoffMs * base ** (failedAttempts - 1);
  return exact >= 0 ? Math.min(exact, LONGEST_BACKOFF_MS) : 0;
}
